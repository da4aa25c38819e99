package handler

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"backup-statistics/handler/redact"
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

// A Webhook posts notices to an address, in the form that its kind of receiver takes.
// Its errors name the host alone: the rest of the address is a secret.
type Webhook struct {
	URL, Secret Secret
	Kind        string // of the receiver, such as KindSlack; "": told by the host
	Web         *http.Client
	Now         func() time.Time
	Redactor    *redact.Redactor // knows further secrets; nil: there are none
	FirstPause  time.Duration    // between two tries, doubling; 0: half a second
	Total       time.Duration    // of all tries; 0: 15 s, since the run has other work
}

// Notify posts a notice until it is taken, refused, or perhaps taken: what went out
// whole is not sent again. What fails in passing is tried again while there is time;
// every try is signed anew, since receivers refuse an old signature. Its error is a
// [*DeliveryError].
func (w *Webhook) Notify(ctx context.Context, n Notice) error {
	address, err := url.Parse(w.URL.Reveal())
	if err != nil || address.Host == "" {
		return &DeliveryError{To: "webhook", Reason: "the address can't be read: want https and a host"}
	}
	kind := cmp.Or(w.Kind, kindOf(address.Hostname()))
	secrets := w.Redactor.With(append(redact.Address(w.URL.Reveal()), w.Secret.Reveal())...)
	n.Text = secrets.Text(n.Text)
	c := courier{web: w.Web, pause: w.FirstPause, total: cmp.Or(w.Total, 15*time.Second)}
	v := c.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		return form(ctx, kind, *address, w.Secret.Reveal(), w.Now(), n)
	}, func(a reply) *verdict { return judge(kind, a) })
	if v != nil {
		return &DeliveryError{To: "webhook at " + address.Hostname(), Perhaps: v.perhaps, Reason: secrets.Text(v.reason)}
	}
	return nil
}
