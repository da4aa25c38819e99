package report

import (
	"fmt"
	"strings"
	"time"
)

// english are the words of a deployment that sets no language.
func english() *words {
	count := func(one string) func(int64) string { return func(n int64) string { return plural(n, one) } }
	return &words{
		tag: English, name: "Backup statistics",
		instances: count("instance"), accounts: count("account"), days: count("day"),

		title: map[string]string{
			loss:               "Protection lost",
			dataDroppedPercent: "The protected capacity fell",
			quotaPercent:       "The free quota is running out",
			dayMissing:         "A day has no complete record",
			totalMismatch:      "The regions do not add up to the total",
			accountGone:        "An account is no longer collected",
		},
		advice: map[string]string{
			loss:               "The backups of instances that left may already be gone. If nobody meant it, turn their backup on again in Cloud Backup.",
			dataDroppedPercent: "No instance left, but disks may no longer be backed up. Find out in Cloud Backup whether that was meant.",
			quotaPercent:       "What exceeds the free quota is billed. Check what is backed up, or expect the bill.",
			dayMissing:         "A past day can't be fetched again. See the function's log, mend the cause and invoke it while the day lasts.",
			totalMismatch:      "The service disagrees with itself; both numbers are kept as it gave them. Ask Alibaba Cloud if it stays so.",
			accountGone:        "It left the directory, or the settings leave it out. What it protects is not recorded any more.",
		},
		reasons: map[string]string{
			reasonReached: "the old value is reached again", reasonExpired: "it is too long ago to be news", reasonNotAsked: "it is no longer collected",
			reasonRuleOff: "its rule was switched off", reasonBelow: "the use is below the threshold again", reasonUsedUp: "the quota has been used up for a week",
			reasonBack: "the account is back", reasonComplete: "a day is complete again", reasonAddsUp: "the regions add up again",
			reasonCorrected: "the day's numbers were replaced, and do not say so any more",
		},
		status: map[string]string{Complete: "complete", Partial: "partial", Missing: "missing"},

		lost: func(lost, of int64, where string) string {
			return fmt.Sprintf("Protection lost: %s of %s%s", formatCount(lost), plural(of, "instance"), where)
		},
		fell: func(lost, of, where string) string { return "Capacity fell: by " + lost + " of " + of + where },
		missing: func(day Date, collected, due int64) string {
			return fmt.Sprintf("Day missing: %v, %s of %s collected", day, formatCount(collected), plural(due, "account"))
		},
		mismatch: func(where string) string { return "Numbers in doubt: the regions do not add up" + where },
		quota: func(account string, percent int64) string {
			return fmt.Sprintf("Free quota: %s %% used by account %s", formatCount(percent), account)
		},
		accountLeft: func(account string, instances int64) string {
			return fmt.Sprintf("Account gone: %s is no longer collected, with %s", account, plural(instances, "instance"))
		},
		resolved:    func(what string) string { return "All clear: " + what },
		over:        func(what string) string { return "Closed: " + what },
		other:       func(rule string) string { return "Alert: " + rule },
		usedUp:      "The free quota is used up",
		test:        "Test: alerts arrive here. Nothing happened.",
		checkFailed: "Check failed: nobody knows whether the day is recorded",
		checkAdvice: "The bucket could not be read. Look at the function's role and the bucket, then invoke {\"action\":\"check\"}.",
		overTitle:   "Over: ", brackets: func(s string) string { return " (" + s + ")" },
		andMore:    func(n int64) string { return "and " + formatCount(n) + " more" },
		moreEvents: func(n int64) string { return "And " + plural(n, "more event") + "." },
		since:      func(d Date) string { return "since " + d.String() },
		seePage:    func(where string) string { return "Report: " + where },

		inTotal: "In total", account: func(id string) string { return "account " + id }, comma: ", ", colon: ": ", stop: ".",
		gone: "gone", now: func(s string) string { return "now " + s }, almost: func(share string) string { return "almost " + share },
		used: func(percent int64) string { return formatCount(percent) + noBreak + "% used" },
		usedBytes: func(percent int64, left, over, quota string) string {
			if over != "" {
				return fmt.Sprintf("%s%s%% used: %s are free, %s are billed", formatCount(percent), noBreak, quota, over)
			}
			return fmt.Sprintf("%s%s%% used: %s of %s are left", formatCount(percent), noBreak, left, quota)
		},
		disagree:      func(total, sum string) string { return "the total says " + total + ", the regions " + sum },
		instancesDiff: "the instances differ",
		wasCollected:  func(instances string) string { return instances + " when it was collected last" },
		collectedOf: func(collected int64, accounts string) string {
			return formatCount(collected) + " of " + accounts + " collected"
		},

		heading: "Backup statistics", noneYet: "No day has a complete record yet. The first one shows what is protected.",
		recordIs: func(d markup, status string) markup { return "Record of " + d + markup(": "+status) },
		date: func(t time.Time, withYear bool) string {
			if withYear {
				return t.Format("2\u00a0January 2006")
			}
			return t.Format("2\u00a0January")
		},
		protected: func(day string, n int64) string {
			some, verb := plural(n, "ECS instance"), " are protected"
			switch {
			case day != "" && n == 1:
				verb = " was protected"
			case day != "":
				verb = " were protected"
			case n == 1:
				verb = " is protected"
			}
			if n == 0 {
				some, verb = "No ECS instance", strings.NewReplacer("are", "is", "were", "was").Replace(verb)
			}
			if day != "" {
				if n == 0 {
					some = "no ECS instance"
				}
				some = "On " + day + " " + some
			}
			return some + verb + " by the Essential Edition"
		},
		fewer:    func(n int64, than string) string { return ", " + formatCount(n) + " fewer than on " + than },
		notFewer: func(days int64) string { return ", no fewer than on any of the " + plural(days, "day") + " before" },
		neverAny: ", nor was any on a day before",
		lostBut:  func(since string) string { return ", but some lost their protection on " + since },
		fellBut:  func(since, change string) string { return "; their capacity fell on " + since + ": " + change },
		unknownNow: func(day, status string) string {
			return "What is protected now is not known: the record of " + day + " is " + status + "."
		},
		disks: func(capacity string) string { return capacity + " of disks" },
		scope: func(capacity, regions, accounts string) string {
			text := "Cloud Backup's ECS File Backup Essential Edition alone, no other edition"
			sign := ": "
			for _, part := range []string{capacity, regions, accounts} {
				if part != "" {
					text += sign + part
					sign = ", "
				}
			}
			return text + "."
		},
		readAt:  func(at, zone markup) markup { return " Read on " + at + ", " + zone + "." },
		whyZero: "Zero is right where other editions or kinds of backup are used: they are not counted here. Where this edition should protect something, look in Cloud Backup under ECS File Backup, in the account and region of the instances.",
		renews: func(date markup) markup {
			return "Every daily run renews this page. If " + date + " is not today or yesterday, the runs have stopped."
		},
		alerts: "Alerts", noAlerts: "No open alerts", openAlerts: count("open alert"), openNotices: count("notice"), openSince: func(d markup) markup { return "since " + d },
		ended: "Ended in the last 90 days", endedColumns: []string{"Ended", "What", "Since", "Why it is over"},

		span:    func(from, to markup) markup { return from + " to " + to },
		regions: count("region"), capacity: "Protected capacity", instancesTitle: "Protected instances",
		highestNow: "The highest of the last 30 days",
		highestWas: func(value string, on, since markup) markup {
			return markup("Highest of the last 30 days: "+value+" on ") + on + ", since then " + since
		},
		noRecordThen: "no record then", noHistoryYet: "no history yet", up: "up", down: "down", unchanged: "unchanged",
		trend: "Trend", holes: func(n int64) string { return plural(n, "day") + " without a complete record: no value is known" },
		noValue: "No value.",
		describe: func(first, last, low, high string) string {
			return "From " + first + " to " + last + "; lowest " + low + ", highest " + high
		},
		valueOn:      func(value, date string) string { return value + " on " + date },
		withoutValue: func(n int64) string { return "; " + formatCount(n) + " without a value" },
		limit:        func(quota string) string { return "Free quota: " + quota },
		limitReached: func(d markup) markup { return ", reached on " + d + " if use goes on growing" },
		byMonth:      "The whole history by month", asTable: "The same as a table",
		monthsNote:   func(span markup) markup { return span + ", the last complete day of each month" },
		monthColumns: []string{"Last complete day of the month", "Instances#", "Capacity#"},
		dayMonth:     func(t time.Time) string { return t.Format("2 Jan") }, month: func(t time.Time) string { return t.Format("Jan") },

		regionsTitle: "Regions", noRegion: "No region protects anything.",
		regionsNote:   "Protected capacity on the last hundred days: those with alerts first, then the largest. Each chart has its own scale, from zero.",
		otherRegions:  func(n int64) string { return plural(n, "more region") },
		moreRegions:   func(n int64) string { return "And " + formatCount(n) + " more, smaller or gone: see trend.json." },
		regionColumns: []string{"Region", "Capacity#", "Instances#", "30 days#"},
		lastSeen: func(d Date, capacity, instances string) string {
			return "last seen " + d.String() + ": " + capacity + ", " + instances
		},
		lastSeenOn: func(d markup) markup { return "last seen " + d },
		backSince:  func(d markup) markup { return "back since " + d }, newSince: func(d markup) markup { return "new since " + d },
		noRecordBefore: "no record 30 days before", unchangedLong: "unchanged in 30 days", inThirtyDays: func(change markup) markup { return change + " in 30 days" },

		freeQuota: "Free quota", quotaOf: func(account string) string {
			return "Each account has its own. Shown is account " + account + ", which uses most."
		},
		quotaUsed: "Used", quotaOver: "Over, and billed", quotaLeft: "Left", quotaAll: "Quota", quotaUse: "Use",
		gauge: func(used, quota, percent string) string {
			return used + " of " + quota + " used: " + percent + " percent"
		},
		reachedOn: func(d markup) markup {
			return "If use goes on growing as over the last 30 days, the quota is reached on " + d + "."
		},
		quotaUsedUp: "The quota is used up.", quotaJustUsed: "The quota is used up exactly. Whatever is added is billed.",
		quotaNoGrowth: "No day is in sight on which the quota is reached: the use does not grow steadily, or so slowly that it lasts for more than a year.",
		quotaTooSoon: func(day int64) string {
			return "When the quota will be reached can be told from the 14th complete day on. This is day " + formatCount(day) + "."
		},
		accountsTitle: "Accounts",
		accountsOn: func(collected string, accounts string, d markup) markup {
			return markup(collected+" of "+accounts+" collected on ") + d + "."
		},
		notActivated: func(n int64) string {
			return "Cloud Backup is not activated in " + plural(n, "account") + ": nothing is protected there."
		},
		notAttempted: func(n int64) string { return "No run has asked for " + plural(n, "account") + "." },
		excluded:     func(n int64) string { return "Left out on purpose: " + plural(n, "account") + "." },
		largestOn:    func(d markup) markup { return "Largest on " + d }, missingOn: func(d markup) markup { return "Missing on " + d },
		changedOn:      func(d markup) markup { return "Those that lost something, and the largest on " + d },
		changeSince:    func(change, d markup) markup { return change + " since " + d },
		accountColumns: []string{"Account", "Capacity#", "Instances#", "Change#"}, missingColumns: []string{"Account", "Source type", "Error", "Reason"},
		moreMissing: func(n int64, key string) string {
			return "And " + formatCount(n) + " more: see the record of the day, " + key + "."
		},
		gaps: "Gaps", noGaps: "None: every day has a complete record.",
		gapsNote:   "Days without a complete record. They stay empty: the service cannot tell about days that have passed.",
		gapColumns: []string{"Days", "Length", "Status", "Noticed", "Cause"}, moreGaps: func(n int64) string { return "And " + formatCount(n) + " earlier ones: see trend.json." },
		noticed: "noticed", unknown: "unknown", firstDay: "First day", lastDays: func(n int64) string { return "Last " + plural(n, "day") },
		earlierDays: func(n int64) string { return plural(n, "earlier day") },
		lastColumns: []string{"Day", "Status", "Instances", "Change", "Capacity", "Change"}, replaced: "replaced",
		foot: `<section aria-label="What the numbers mean"><h2>What the numbers mean</h2>
<p>They count what the ECS File Backup Essential Edition of Alibaba Cloud's Cloud Backup protects, as its API GetBasicStatistics tells once a day.</p>
<p><strong>Capacity</strong> is that of the cloud disks attached to the backed-up instances. The bill is based on it. It is not the size of the backups. <strong>Instances</strong> are ECS instances that are backed up. Other editions are not counted.</p>
<p>1 GiB is 1,073,741,824 bytes. A day without a complete record has no numbers: the service knows no past, so they cannot be asked for later, and none are guessed.</p></section>
<section aria-label="Where the data is"><h2>Where the data is</h2>
<p>Beside this page: <a href="trend.json">trend.json</a>, what it shows and more, and <a href="trend.csv">trend.csv</a>, all days for spreadsheets.</p>
<p>In the same bucket: <code>snapshots/</code> keeps the service's answers, a file a day, account and source type; <code>regions/</code>, <code>totals/</code> and <code>calendar/</code> are tables for analysis; <code>days/</code> says which days are complete.</p></section>
`,
	}
}
