//go:build faultinject

package main

import (
	"os"
	"strings"
	"time"
)

// A program built with the tag faultinject, which is never released (T-2), has a clock that is wrong by as much as the file says
// that COOPNODE_CLOCK names, such as 24h or -1h. It reads the file whenever it is asked the time.
func init() {
	file := os.Getenv("COOPNODE_CLOCK")
	if file == "" {
		return
	}
	clock = func() time.Time {
		text, _ := os.ReadFile(file)
		wrong, _ := time.ParseDuration(strings.TrimSpace(string(text))) // without a file it is right
		return time.Now().Add(wrong)
	}
}
