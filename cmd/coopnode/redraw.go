package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/coopnode/coopnode/node"
	"github.com/coopnode/coopnode/ui"
)

// Pictures are drawn by a process of their own, one at a time: what a decoder takes, memory or time, it takes from itself, and what
// becomes of it, the node goes on.
const (
	drawSeconds = 10              // of processor time; an honest picture of 40 million pixels takes about one
	drawTime    = 2 * time.Minute // in all, on a machine that has other things to do
)

// drawn is what the child says before the bytes: one line.
type drawn struct {
	Type          string
	Width, Height int
	Refused       string `json:",omitempty"` // why there are no bytes, with the name and the values of that sentence
	Name          string `json:",omitempty"`
	Values        []any  `json:",omitempty"`
}

// redrawCommand reads a file from standard input and writes it drawn anew.
func redrawCommand(a *app) *cobra.Command {
	var s node.Shape
	var seconds uint64
	cmd := &cobra.Command{
		Use: "redraw", Short: "Draw a picture anew, for the node that asks", Hidden: true, Args: argsBetween(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			boundDrawing(seconds)
			file, err := io.ReadAll(io.LimitReader(a.in, node.MaxPictureUpload+1))
			if err != nil {
				return fmt.Errorf("read picture: %w", err)
			}
			d, err := ui.Redraw(cmd.Context(), file, s)
			if said := node.SaidBy(err); node.KindOf(err) == node.Invalid && said != nil {
				return json.NewEncoder(a.out).Encode(drawn{Refused: said.Text, Name: said.Name, Values: said.Values})
			} else if err != nil {
				return err
			}
			if err := json.NewEncoder(a.out).Encode(drawn{Type: d.Type, Width: d.Width, Height: d.Height}); err != nil {
				return err
			}
			_, err = a.out.Write(d.Bytes)
			return err
		},
	}
	cmd.Flags().IntVar(&s.Side, "side", 0, "longest side in pixels")
	cmd.Flags().BoolVar(&s.Square, "square", false, "the middle alone")
	cmd.Flags().BoolVar(&s.PNG, "png", false, "as PNG")
	cmd.Flags().Uint64Var(&seconds, "seconds", drawSeconds, "processor time that it may take")
	return cmd
}

// boundDrawing limits this process. Where the system knows no such limit the parent's clock remains. Memory is bounded by
// the number of pixels.
func boundDrawing(seconds uint64) {
	_ = syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds})
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) // where memory is short, this process goes first
}

// redrawApart is ui.Redraw in a process of its own. A decoder that falls over, takes too much or does not end makes it Invalid.
func redrawApart(ctx context.Context, file []byte, s node.Shape) (*node.Drawing, error) {
	return redrawWithin(ctx, drawSeconds, file, s)
}

func redrawWithin(ctx context.Context, seconds int, file []byte, s node.Shape) (*node.Drawing, error) {
	const op = "draw picture"
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, drawTime, errDrawing)
	defer cancel()
	args := []string{"redraw", "--side", strconv.Itoa(s.Side), "--square=" + strconv.FormatBool(s.Square), "--png=" + strconv.FormatBool(s.PNG)}
	cmd := exec.CommandContext(ctx, program, append(args, "--seconds", strconv.Itoa(seconds))...)
	cmd.Args[0] = "coopnode"
	cmd.Env = drawEnv
	cmd.Stdin = bytes.NewReader(file)
	var said strings.Builder
	cmd.Stderr = &cappedWriter{w: &said, left: 4 << 10}
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errDrawing):
		return nil, context.Cause(ctx) // told to stop: not the picture's fault
	case err != nil:
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		return nil, (&node.Error{Op: op, Kind: node.Invalid, Err: fmt.Errorf("%w: %s", err, said.String())}).Saying("picture.heavy", "It takes too much time or memory to read, or is damaged.")
	}
	line, rest, _ := bytes.Cut(out, []byte("\n"))
	var d drawn
	if err := json.Unmarshal(line, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if d.Refused != "" {
		return nil, &node.Error{Op: op, Kind: node.Invalid, Text: d.Refused, Name: d.Name, Values: d.Values}
	}
	return &node.Drawing{Bytes: rest, Type: d.Type, Width: d.Width, Height: d.Height}, nil
}

// drawEnv keeps the child to one core and little memory.
var drawEnv = []string{"GOMAXPROCS=1", "GOGC=25"}

var errDrawing = errors.New("the picture takes too long to read")

// cappedWriter keeps the beginning of what is written and swallows the rest.
type cappedWriter struct {
	w    io.Writer
	left int
}

func (c *cappedWriter) Write(b []byte) (int, error) {
	keep := b[:min(len(b), c.left)]
	c.left -= len(keep)
	if _, err := c.w.Write(keep); err != nil {
		return 0, err
	}
	return len(b), nil
}
