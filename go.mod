module github.com/coopnode/coopnode

go 1.26.0

require (
	github.com/VictoriaMetrics/metrics v1.44.0 // numbers for Prometheus in 0.1 MB; its own client has 2.2
	github.com/a-h/templ v0.3.977 // pages, checked by the compiler; html/template would cost seven times the time and 18 MB
	github.com/arran4/golang-ical v0.3.4 // calendars: escapes and folds as RFC 5545 wants
	github.com/coreos/go-systemd/v22 v22.7.0 // tells systemd that the node is ready and lives (sd_notify)
	github.com/go-fed/activity v1.0.0 // the ActivityStreams vocabulary and the order of steps at the inbox; given
	github.com/go-fed/httpsig v1.1.0 // the signature that we send; given
	github.com/labstack/echo/v4 v4.16.0 // routing; given
	github.com/microcosm-cc/bluemonday v1.0.27 // cleans HTML from elsewhere by an allow list
	github.com/pelletier/go-toml/v2 v2.4.3 // configuration and forms; says where a mistake is
	github.com/pressly/goose/v3 v3.29.0 // schema migrations, one SQL for all engines
	github.com/prometheus/client_model v0.6.3 // tests: what the next one reads
	github.com/prometheus/common v0.73.1 // tests: Prometheus' own reader of its text format
	github.com/rogpeppe/go-internal v1.16.0 // testscript: commands tested as a user types them
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // tests: NodeInfo against its published schemas
	github.com/spf13/cobra v1.10.2 // commands, help, completion; given
	github.com/spf13/pflag v1.0.9 // the flags of cobra, walked for the configuration
	github.com/yuin/goldmark v1.8.7 // Markdown of what our own people write
	golang.org/x/crypto v0.58.0 // Argon2id for passwords, certificates by ACME
	golang.org/x/image v0.47.0 // draws the emblem as PNG, which Mastodon wants
	golang.org/x/mod v0.42.0 // tests: reads go.mod
	golang.org/x/net v0.62.0 // HTML tokenizer, IDNA
	golang.org/x/sync v0.24.0 // groups of goroutines with an owner
	golang.org/x/sys v0.49.0 // root for the files that root names; tests: the processor time of one thread
	golang.org/x/term v0.47.0 // asks questions only on a terminal
	golang.org/x/text v0.43.0 // names of languages, numbers, plurals by CLDR
	golang.org/x/time v0.16.0 // token buckets for rate limits
	modernc.org/libc v1.79.0 // tests: a disk that fails under the database
	modernc.org/sqlite v1.61.1 // the database, in pure Go; given
)

require (
	github.com/chromedp/cdproto v0.159.0 // tests: the words of chromedp
	github.com/chromedp/chromedp v0.23.0 // tests: pages in a real browser
	github.com/wneessen/go-mail v0.8.1 // mail: SMTP with STARTTLS and AUTH, headers and MIME parts as the RFCs want them
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/a-h/parse v0.0.0-20250122154542-74294addb73e // indirect
	github.com/andybalholm/brotli v1.2.6 // indirect
	github.com/aymerick/douceur v0.2.0 // indirect
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/cli/browser v1.3.0 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/fatih/color v1.16.0 // indirect
	github.com/fsnotify/fsnotify v1.7.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gorilla/css v1.0.1 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/labstack/gommon v0.5.0 // indirect
	github.com/mattn/go-colorable v0.1.15 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/natefinch/atomic v1.0.1 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/pandatix/go-abnf v0.5.3 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	github.com/valyala/fastrand v1.1.0 // indirect
	github.com/valyala/fasttemplate v1.2.2 // indirect
	github.com/valyala/histogram v1.2.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/tools v0.52.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	honnef.co/go/tools v0.8.2 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

tool (
	github.com/a-h/templ/cmd/templ
	honnef.co/go/tools/cmd/staticcheck
)
