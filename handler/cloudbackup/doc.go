// Package cloudbackup asks Cloud Backup what an account protects, and its
// neighbours who the accounts are: STS for a member's credentials, the resource
// directory for the members. The services' spelling of things ends here.
//
//	Client.Statistics ─┐                              ┌─▶ answer.go: is it true, whole and ours?
//	STS.AssumeRole    ─┼─▶ call ─▶ retry ─▶ attempt ──┤
//	Directory.Members ─┘           the only one       └─▶ refusal.go: what may be said of it
//
// It owns how a call is signed, sent, judged and tried again. It never follows a
// redirect, never bends an answer into a number, never prints a secret, and
// keeps nothing longer than its caller, who makes it for one invocation.
package cloudbackup
