package report

import (
	"cmp"
	"slices"
)

// loss is the kind of an event that several rules tell of: instances, capacity and whole
// regions that are no longer protected. Any other has the name of its rule.
const loss = "loss"

// An event is one thing that happened, as people are told of it: what the rules say of a
// day and a matter, put together.
type event struct {
	kind   string
	weight string
	opened Date
	places []place // the total, regions, accounts, each by what was lost
	at     map[AlertItem]int
	closed Date   // of what is over
	reason string // of what is over
}

// A place is a total, a region or an account that an event concerns.
type place struct {
	AlertItem            // instances, where there are some; else the rule's number
	rule      string     // of that number
	bytes     *AlertItem // the capacity, besides instances
}

func (p place) lost() int64 { return p.Before - p.level() }

// part is 0 of a total, 1 of a region and 2 of an account.
func (p place) part() int {
	switch {
	case p.AccountID != "":
		return 2
	case p.RegionID != "":
		return 1
	}
	return 0
}

// eventsOf puts alerts together, the heaviest first.
func eventsOf(alerts []Alert) (events []event) {
	type key struct {
		kind   string
		opened Date
	}
	at := make(map[key]int)
	for _, a := range alerts {
		k := key{a.Rule, a.Opened}
		if a.Rule == resourcesDropped || a.Rule == regionGone || a.Rule == dataDroppedPercent {
			k.kind = loss
		}
		n, there := at[k]
		if !there {
			n = len(events)
			at[k] = n
			events = append(events, event{kind: k.kind, weight: weightOf(a.Rule), opened: a.Opened, at: make(map[AlertItem]int)})
		}
		items := itemsOf([]Alert{a})
		if len(items) == 0 { // none of ours: it is shown as one of the whole
			items = []item{{a.Rule, a.Opened, AlertItem{}}}
		}
		for _, i := range items {
			events[n].add(a.Rule, i.AlertItem)
		}
	}
	for n := range events {
		e := &events[n]
		if e.kind == loss && e.places[0].rule == dataDroppedPercent {
			e.kind = dataDroppedPercent // instances are all there
		}
		slices.SortStableFunc(e.places, func(a, b place) int {
			return cmp.Or(cmp.Compare(a.part(), b.part()), cmp.Compare(b.lost(), a.lost()))
		})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(weighs(a.weight), weighs(b.weight)) })
	return events
}

// add takes an item in: a place stands once, whatever rules tell of it.
func (e *event) add(rule string, i AlertItem) {
	n, there := e.at[i.bare()]
	switch {
	case !there:
		e.at[i.bare()] = len(e.places)
		e.places = append(e.places, place{AlertItem: i, rule: rule})
	case e.places[n].rule == dataDroppedPercent: // instances count more
		bytes := e.places[n].AlertItem
		e.places[n] = place{i, rule, &bytes}
	case rule == dataDroppedPercent:
		e.places[n].bytes = &i
	}
}

// endedOf puts together what ended for one reason.
func endedOf(closed []ClosedAlert) (events []event) {
	type key struct {
		closed Date
		reason string
	}
	by := make(map[key][]Alert)
	var order []key
	for _, c := range closed {
		k := key{c.Closed, c.Reason}
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], c.Alert)
	}
	for _, k := range order {
		for _, e := range eventsOf(by[k]) {
			e.closed, e.reason = k.closed, k.reason
			events = append(events, e)
		}
	}
	return events
}
