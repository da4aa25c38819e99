// Package handler runs one invocation: an event comes in, documents are left in
// a store. A run is four steps, and data goes through them in one direction:
//
//	event ──ParseEvent──▶ request
//	        ┌────────────────┴───────────────┐             side by side
//	      read ◀── Store                  collect ◀── Source
//	      what settling the day needs     the snapshots: the first write
//	        └────────────────┬───────────────┘
//	                       settle                          pure: report.Settle
//	                         │  the day's record and tables
//	                       write, in rounds
//	        tables ──▶ people are told ──▶ the record, latest.json and the views
//
// They are read (read.go), collect (snapshot.go), settle (day.go, and report) and write
// (write.go; the views: views.go); from day to day goes chain.go. A check, a rebuild and
// a dry run differ in what they read and in which days they settle, not in how.
//
// Whatever breaks between two steps leaves a readable bucket, and the next run
// of that day completes it. The package knows no clock, no environment and no
// credentials: package entry hands it what it needs for one invocation.
//
// Two runs of one day may overlap, since a timer delivers at least once. Both
// may ask Cloud Backup; the store keeps the first snapshot, the other run reads
// that one back, and both derive equal bytes from it.
package handler

import (
	"context"
	"fmt"

	"backup-statistics/handler/cpu"
)

// Handle does what an event asks for, until ctx ends. It leaves some time before
// that to say why, so ctx should end earlier than the function is killed. The
// error is one of this package's types.
func (h *Handler) Handle(ctx context.Context, event []byte) (*Result, error) {
	cpu.GrowStack()
	result, err := h.act(ctx, event)
	if err != nil {
		return nil, hideInError(h.Redactor, advise(err))
	}
	result.shorten()
	result.hide(h.Redactor)
	return result, nil
}

func (h *Handler) act(ctx context.Context, event []byte) (*Result, error) {
	now := h.Now()
	r, err := ParseEvent(event, now)
	if err != nil {
		return nil, err
	}
	if err := r.admit(h.Config, now); err != nil {
		return nil, &EventError{err}
	}
	h.Log.Debug("asked", "action", r.Action, "trigger", r.Trigger, "at", r.At)
	switch r.Action {
	case ActionSnapshot:
		return h.snapshot(ctx, r)
	case ActionCheck:
		return h.check(ctx, r)
	case ActionRebuild:
		return h.rebuild(ctx, r)
	case ActionVerify:
		return h.verify(ctx, r)
	case ActionPreflight:
		return h.preflight(ctx, r)
	default:
		return nil, &EventError{fmt.Errorf("action is %q: nothing does that", r.Action)}
	}
}
