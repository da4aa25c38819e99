//go:build !function

// Package local plays, on loopback, the services that the function talks to:
// Cloud Backup, OSS, STS, the resource directory, and the runtime of Function
// Compute that starts it. Tests and the command "local" use the same stand-ins.
//
//	client ──▶ Log ──▶ Faults ──▶ CloudBackup | OSS | STS | Directory
//	           what was asked     spoils chosen requests   │
//	                                                       └── Keys: who may ask
//
// The stand-ins speak the services' protocols and verify what the services
// verify: signatures with their security tokens, dates, nonces, digests. They
// answer and refuse in the services' words, secrets in the text of a refused
// signature included. They never make a number up, and what they cannot play
// they refuse instead of nearly playing it. Each is an [http.Handler] whose
// exported fields are set before the first request.
//
// It owns nothing outside the folder of the bucket, and knows nothing of the
// documents that are kept in it.
package local
