package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
)

// healthWithin is how long the server may take to say that it is well.
const healthWithin = 5 * time.Second

func healthcheckCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "healthcheck", Short: "Ask the server of this machine whether it can take work", Args: argsBetween(0, 0),
		Long: "Asks the server that runs with this configuration, over its own listener, whether it can take work (/readyz). It ends with 0 if it\n" +
			"can and with 1 if not: for containers and other programs that start a server anew. It touches no data.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), healthWithin)
			defer cancel()
			if err := healthy(ctx, cfg); err != nil {
				return &node.Error{Op: "check health", Kind: node.Internal, Text: fmt.Sprintf("The server is not ready: %v.", err), Err: err}
			}
			return a.show(map[string]bool{"ready": true}, func(w io.Writer) { fmt.Fprintln(w, "ready") })
		},
	}
	cmd.Flags().StringSliceVar(&a.listen, "listen", nil, "addresses that the server listens on, where it was told by --listen too")
	return cmd
}

// healthy asks one listener of the server after the other until one answers. Whose certificate it shows does not matter here.
func healthy(ctx context.Context, cfg *Config) (err error) {
	name, _, _ := strings.Cut(cfg.Host, ":")
	local := name == "localhost" || strings.HasSuffix(name, ".localhost") || strings.HasPrefix(name, "127.") // init --dev
	for _, at := range cfg.listenAs(cfg.Host, local) {
		network, address := wayTo(at)
		scheme := "http"
		if cfg.TLS != "off" && !isPlain(at) {
			scheme = "https"
		}
		way := &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
			TLSClientConfig:   &tls.Config{ServerName: name, InsecureSkipVerify: true},
			DisableKeepAlives: true,
		}
		r, e := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost/readyz", nil)
		if e != nil {
			return e
		}
		r.Host = cfg.Host
		res, e := way.RoundTrip(r)
		if e != nil {
			err = e
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
		err = fmt.Errorf("%s answers %s", at, res.Status)
	}
	return err
}
