package main

import "time"

// clock is the one clock of the program (T-2): what is decided by the time, and every moment that is kept, comes from it.
var clock = time.Now
