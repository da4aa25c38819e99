package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"backup-statistics/report"
)

// A Notice is what a receiver of alerts is told.
type Notice struct {
	Text         string               `json:"text"` // for people
	SnapshotDate report.Date          `json:"snapshot_date"`
	TimeZone     string               `json:"time_zone"`
	Opened       []report.Alert       `json:"opened"`
	Closed       []report.ClosedAlert `json:"closed"`
}

// ID is the same for notices that tell the same, whatever the day: the first half of
// the SHA-256 of what opened and closed, without what has become of it since, in
// lower-case hex. Of a notice without alerts its text counts.
func (n Notice) ID() string {
	what := []any{n.Text}
	if len(n.Opened)+len(n.Closed) > 0 {
		what = nil
	}
	for _, a := range n.Opened {
		what = append(what, lasting(a))
	}
	for _, c := range n.Closed {
		what = append(what, lasting(c.Alert), c.Reason)
	}
	told, _ := json.Marshal(what) // plain values can't fail
	sum := sha256.Sum256(told)
	return hex.EncodeToString(sum[:16])
}

// lasting is what an alert says as long as it is open.
func lasting(a report.Alert) report.Alert {
	a.Items = slices.Clone(a.Items)
	for i := range a.Items {
		a.Items[i].Now, a.Items[i].Told = nil, nil
	}
	return a
}

// A Notifier tells people. Its error is a [*DeliveryError] where it knows what became
// of the notice; any other says that nobody was told. A [Webhook] is one.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// A DeliveryError is a message that was not taken, as far as anybody knows. Nothing
// of it is secret.
type DeliveryError struct {
	To string // what it was sent to, such as "webhook at example.com"
	// Perhaps tells that the message went out whole and no answer says what became of
	// it. To send it again may tell it twice; without it, it may be sent again.
	Perhaps bool
	Reason  string
}

func (e *DeliveryError) Error() string {
	if e.Perhaps {
		return e.To + ": perhaps delivered: " + e.Reason
	}
	return e.To + ": " + e.Reason
}

// PerhapsDelivered tells an error after which a message may have arrived from one
// after which it did not.
func PerhapsDelivered(err error) bool {
	var e *DeliveryError
	return errors.As(err, &e) && e.Perhaps
}
