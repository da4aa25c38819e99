package report

// Untold is what people have to be told by a day's record: what opened, and what ended.
// What ended before anybody heard of it is in both.
func (r DayRecord) Untold() (opened []Alert, closed []ClosedAlert) {
	var items []item
	for _, i := range itemsOf(r.Alerts) {
		if !i.told() {
			items = append(items, i)
		}
	}
	for _, c := range r.Closed {
		for _, i := range itemsOf([]Alert{c.Alert}) {
			if !i.told() {
				items = append(items, i)
			}
		}
		if !c.Told {
			closed = append(closed, c)
		}
	}
	return alertsOf(items), closed
}

// Tell is the record after people were told of everything in it.
func (r DayRecord) Tell() DayRecord {
	yes := true
	tell := func(items []item) []Alert {
		for n := range items {
			items[n].Told = &yes
		}
		return alertsOf(items)
	}
	r.Alerts = tell(itemsOf(r.Alerts))
	endings := endingsOf(r.Closed)
	for n := range endings {
		endings[n].Told, endings[n].told = &yes, true
	}
	r.Closed = closedOf(endings)
	return r
}
