# A thin alias for Go's own commands: go run ./cmd/coopnode demo, go test ./...

GO ?= go
FEDIFY = activitypub/testdata/fedify

.PHONY: demo test bench torture lint build tools

# The main job on this machine: a village of real nodes on loopback.
demo:
	@echo "Building coopnode. The first build on a machine takes a few minutes; after that it is seconds."
	@CGO_ENABLED=0 $(GO) build -o bin/coopnode ./cmd/coopnode
	@exec bin/coopnode demo

# Everything, with the race detector, after installing what the tests need.
test: tools lint
	COOPNODE_EVERYTHING=1 $(GO) test -race -timeout 30m ./...

# What the tests need besides Go: a C compiler for the race detector, Node.js for the Fedify peer, jing for feeds, ip for a network of their own.
tools:
	@echo "The tests need: gcc (race detector), Node.js 20 or newer and npm (the Fedify peer), Fedify 2.3.6 (from npm), jing (feeds), ip (a network of their own)."
	@missing=""; \
	command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	command -v jing >/dev/null || missing="$$missing jing"; \
	command -v ip >/dev/null || missing="$$missing iproute2"; \
	if [ -n "$$missing" ]; then \
		echo "Installing with apt-get:$$missing"; \
		apt-get update -q && apt-get install -q -y --no-install-recommends $$missing; \
	else echo "gcc, node, npm, jing and ip are here already."; fi
	@echo "Installing into $(FEDIFY)/node_modules: what its package-lock.json lists."
	@cd $(FEDIFY) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@if curl -sf -m 5 -o /dev/null https://vuln.go.dev/index/db.json; \
	then $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...; \
	else echo "govulncheck left out: its database cannot be reached from here."; fi

# One static file, nothing to install beside it.
build:
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w' -o bin/coopnode ./cmd/coopnode

# Speed, as ratios to a limit or a peer measured in the same run.
bench:
	COOPNODE_BENCH=1 $(GO) test -run '^$$' -bench . -timeout 60m ./...

# The long forms of the tests that kill, hang and refuse.
torture:
	COOPNODE_TORTURE=1 $(GO) test -count=1 -v -run 'Torture|KilledCarrier|SealedNetwork' -timeout 60m ./activitypub ./cmd/coopnode
