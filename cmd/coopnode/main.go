// Command coopnode runs a small ActivityPub node for a worker cooperative.
//
// Here are the doors of the house: the commands, the configuration and the wiring. What a
// cooperative may do is decided in package node, kept by package store, spoken by package
// activitypub and shown by package ui; this package only calls them. Start reading at run, then
// root.go for the list of commands, and serve.go for what happens while the node runs.
//
// Every command but serve opens the store, calls node in one short transaction and ends; the
// running server notices within a second (decisions 34). What people fill in - profile, opening,
// project - is one table of fields each (form.go), from which flags, files and the editor come.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // the digest goes at 07:00 of the coop, also where the machine knows no time zones
)

func main() {
	signal.Ignore(syscall.SIGXFSZ) // a file that may not grow is an error of the write, and no end of the program (DB-6)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run carries out one command line and returns its exit code (decisions 35).
func run(args []string, in io.Reader, out, errOut io.Writer) (code int) {
	a := &app{in: in, out: out, errOut: errOut, env: os.LookupEnv}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(errOut, "coopnode: this is a mistake in coopnode itself: %v\nRun the same again with --debug and tell those who make it what you see.\n", r)
			if a.debug {
				errOut.Write(debug.Stack())
			}
			code = exitFailed
		}
	}()
	root := rootCommand(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	if err := root.ExecuteContext(context.Background()); err != nil {
		return a.fail(err)
	}
	return exitDone
}
