package activitypub_test

import (
	"syscall"
	"time"
)

// realClock measures time outside the bubble.
func realClock() func() time.Duration {
	now := func() time.Duration {
		var tv syscall.Timeval
		syscall.Gettimeofday(&tv)
		return time.Duration(tv.Nano())
	}
	begun := now()
	return func() time.Duration { return (now() - begun).Round(time.Millisecond) }
}
