# A thin alias for Go's own commands: go run ./cmd/coopnode demo, go test ./...

GO ?= go
FEDIFY = activitypub/testdata/fedify
BROWSER = ui/testdata/browser

.PHONY: demo release screenshots test bench torture fuzz requirements lint build tools assets

# The main job on this machine: a village of real nodes on loopback.
demo:
	@echo "Building coopnode. The first build on a machine takes a few minutes; after that it is seconds."
	@CGO_ENABLED=0 $(GO) build -o bin/coopnode ./cmd/coopnode
	@exec bin/coopnode demo

# Everything, with the race detector, after installing what the tests need. The detector leaves out the database engine,
# which is C translated by a program: watching each of its steps takes more than half of the time of all tests.
RACE = -race -gcflags='modernc.org/sqlite/lib=-race=false'
test: tools lint
	COOPNODE_EVERYTHING=1 $(GO) test $(RACE) -vet=off -timeout 60m ./...

# Pictures of every page of the demo and of a node that holds everything: on a desk and on a phone, light and dark. And the
# three of README, which want a Japanese font, such as fonts-ipafont-gothic of Debian.
SCREENSHOTS ?= bin/screenshots
screenshots:
	COOPNODE_SCREENSHOTS=$(abspath $(SCREENSHOTS)) $(GO) test -count=1 -v -run '^TestPages$$/^pictures$$' ./cmd/coopnode

# What the tests need besides Go: a program to look for, and the package of Debian that has it. In order: the race
# detector, the Fedify peer, feeds, a network of their own, pages in a browser, as markup and as text, the unit of
# systemd, man pages, the two proxies of deploy/, a certificate authority. And modules of Debian's Python that read
# feeds and calendars, and take mail. RUNLEVEL keeps Debian from starting the proxies as services.
TOOLS = gcc:gcc node:nodejs npm:npm jing:jing newsboat:newsboat ip:iproute2 chromium:chromium java:default-jre-headless lynx:lynx w3m:w3m systemd-analyze:systemd groff:groff-base man:man-db caddy:caddy nginx:nginx-light pebble:pebble
PYTHON = feedparser icalendar aiosmtpd yaml

tools:
	@echo "The tests need, besides Go and, from npm, Fedify 2.3.6 and a judge of pages: $(TOOLS) (program:package), and for Python: $(PYTHON)."
	@missing=""; for t in $(TOOLS); do command -v $${t%%:*} >/dev/null || missing="$$missing $${t##*:}"; done; \
	for m in $(PYTHON); do /usr/bin/python3 -c "import $$m" 2>/dev/null || missing="$$missing python3-$$m"; done; \
	case "$$missing" in *gcc*) missing="$$missing libc6-dev";; esac; \
	if [ -n "$$missing" ]; then \
		echo "Installing with apt-get:$$missing"; \
		apt-get update -q && RUNLEVEL=1 apt-get install -q -y --no-install-recommends $$missing; \
	else echo "All of them are here already."; fi
	@for d in $(FEDIFY) $(BROWSER); do \
		echo "Installing into $$d/node_modules: what its package-lock.json lists."; \
		(cd $$d && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || exit 1; \
	done

# The font and the map of the pages, from npm packages into ui/font and ui/map, with their licences. The results are committed.
assets:
	@cd ui/testdata/assets && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && node make.mjs

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) mod verify
	$(GO) mod tidy -diff
	$(GO) mod tidy -diff
	$(GO) mod verify
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@if curl -sf -m 5 -o /dev/null https://vuln.go.dev/index/db.json; \
	then $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...; \
	else echo "govulncheck left out: its database cannot be reached from here."; fi

# One static file, nothing to install beside it. The pages are not inlined into each other, which saves 2 MB.
OUT ?= bin/coopnode
build:
	CGO_ENABLED=0 $(GO) build -gcflags='github.com/coopnode/coopnode/ui=-l' -ldflags='-s -w' -o $(OUT) ./cmd/coopnode

# What is given to others, in bin/release: the program and a .deb for two kinds of machine, what is in it (CycloneDX), and sums. The same
# commit gives the same bytes, wherever it is built. -trimpath has every package compiled once more: the first time takes minutes.
# A tag v1.2.3 is the version; a commit without one is 0.0.0 with its day, or the tag before and the commits since.
RELEASE ?= bin/release
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null | sed 's/^v//; s/-/+/; s/-/./' | grep . || git log -1 --format=0.0.0+%cd.g%h --date=format:%Y%m%d --abbrev=10)
ARCHITECTURES ?= amd64 arm64
release:
	@rm -rf $(RELEASE) && mkdir -p $(RELEASE)
	@set -e; for arch in $(ARCHITECTURES); do \
		echo "coopnode $(VERSION) for linux/$$arch"; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -gcflags='github.com/coopnode/coopnode/ui=-l' \
			-ldflags='-s -w -X main.version=$(VERSION)' -o $(RELEASE)/coopnode-linux-$$arch ./cmd/coopnode; \
	done
	@set -e; runs=$(RELEASE)/coopnode-linux-$$($(GO) env GOARCH); $$runs version --sbom >$(RELEASE)/coopnode.cdx.json; \
	for arch in $(ARCHITECTURES); do \
		deploy/debian/build.sh $(RELEASE)/coopnode-linux-$$arch $$arch $(VERSION) $(RELEASE)/coopnode_$(VERSION)_$$arch.deb $$runs; \
	done
	@cd $(RELEASE) && sha256sum * >SHA256SUMS && cat SHA256SUMS

# Speed, as ratios to a limit or a peer measured in the same run.
bench:
	COOPNODE_BENCH=1 $(GO) test -run '^$$' -bench . -timeout 60m ./...

# The long forms of the tests that kill, hang, fill disks and refuse. TestTortureTable and TestTortureKilledUpdate print what was lost. The village of 300 nodes takes most of the time.
torture:
	COOPNODE_TORTURE=1 $(GO) test -count=1 -v -run 'Torture|KilledCarrier|SealedNetwork' -timeout 2h ./store ./activitypub ./cmd/coopnode

# Every fuzz target for FUZZTIME, one after another. What a target finds is kept in its testdata/fuzz, to be mended and committed.
FUZZTIME ?= 1m
fuzz:
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

# Which requirements of ../shared/facts/security.md stand in no test.
requirements:
	@$(GO) test -count=1 -v -run '^TestRequirements$$' ./cmd/coopnode
