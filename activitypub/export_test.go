package activitypub

import "time"

// Hurry makes a node give up on others after d, which takes a quarter of a minute elsewhere (OUT-1, OUT-2).
func Hurry(w *Wire, d time.Duration) { w.client.getTimeout, w.client.postTimeout = d, d }
