package report

import "time"

// Words are all that people read in one language: plain phrases, and functions that put
// numbers and names into them. What is markup gets and gives markup.
type words struct {
	tag  string // of the language
	name string // of the documents' title

	// Numbers with their nouns.
	instances, accounts, days func(n int64) string

	// Events: what happened, and what to do, by kind.
	title, advice map[string]string
	reasons       map[string]string // why something is over
	status        map[string]string

	usedUp string // the title of a quota that is

	// What stands first in a message.
	lost        func(lost, of int64, where string) string
	fell        func(lost, of, where string) string
	missing     func(day Date, collected, due int64) string
	mismatch    func(where string) string
	quota       func(account string, percent int64) string
	accountLeft func(account string, instances int64) string
	resolved    func(what string) string // an all-clear
	over        func(what string) string // what ended otherwise
	other       func(rule string) string
	test        string
	checkFailed string
	checkAdvice string
	overTitle   string
	brackets    func(s string) string
	andMore     func(n int64) string // of places
	moreEvents  func(n int64) string
	since       func(d Date) string
	seePage     func(where string) string

	// Places and their numbers.
	inTotal       string
	account       func(id string) string
	comma, colon  string
	stop          string // the end of a sentence
	gone          string
	now           func(s string) string
	almost        func(share string) string
	used          func(percent int64) string // of the free quota
	usedBytes     func(percent int64, left, over, quota string) string
	disagree      func(total, sum string) string
	instancesDiff string
	wasCollected  func(instances string) string
	collectedOf   func(collected int64, accounts string) string

	// The first screen of the page. What has a day gets "" for now.
	heading, noneYet string
	recordIs         func(d markup, status string) markup
	date             func(t time.Time, withYear bool) string
	protected        func(day string, instances int64) string
	fewer            func(n int64, than string) string
	notFewer         func(days int64) string
	neverAny         string
	lostBut          func(since string) string
	fellBut          func(since, change string) string
	unknownNow       func(day, status string) string
	disks            func(capacity string) string
	scope            func(capacity, regions, accounts string) string
	readAt           func(at, zone markup) markup
	whyZero          string
	renews           func(date markup) markup
	alerts, noAlerts string
	openAlerts       func(n int64) string
	openNotices      func(n int64) string
	openSince        func(d markup) markup

	// Its numbers and charts.
	span                       func(from, to markup) markup
	regions                    func(n int64) string
	capacity, instancesTitle   string
	highestNow                 string
	highestWas                 func(value string, on, since markup) markup
	noRecordThen, noHistoryYet string
	up, down, unchanged        string
	trend                      string
	holes                      func(n int64) string
	noValue                    string
	describe                   func(first, last, low, high string) string
	valueOn                    func(value, date string) string
	withoutValue               func(n int64) string
	limit                      func(quota string) string
	limitReached               func(d markup) markup
	byMonth, asTable           string
	monthsNote                 func(span markup) markup
	monthColumns               []string
	dayMonth, month            func(t time.Time) string

	// The rest of it.
	regionsTitle, noRegion, regionsNote       string
	otherRegions, moreRegions                 func(n int64) string
	regionColumns                             []string
	lastSeen                                  func(d Date, capacity, instances string) string
	lastSeenOn                                func(d markup) markup
	backSince, newSince                       func(d markup) markup
	noRecordBefore, unchangedLong             string
	inThirtyDays                              func(change markup) markup
	freeQuota                                 string
	quotaOf                                   func(account string) string
	quotaUsed, quotaOver, quotaLeft           string
	quotaAll, quotaUse                        string
	gauge                                     func(used, quota, percent string) string
	reachedOn                                 func(d markup) markup
	quotaUsedUp, quotaJustUsed, quotaNoGrowth string
	quotaTooSoon                              func(day int64) string
	accountsTitle                             string
	accountsOn                                func(collected string, accounts string, d markup) markup
	notActivated, notAttempted, excluded      func(n int64) string
	largestOn, changedOn, missingOn           func(d markup) markup
	changeSince                               func(change, d markup) markup
	accountColumns, missingColumns            []string
	moreMissing                               func(n int64, key string) string
	gaps, noGaps, gapsNote                    string
	gapColumns                                []string
	moreGaps                                  func(n int64) string
	noticed, unknown                          string
	firstDay                                  string
	lastDays, earlierDays                     func(n int64) string
	lastColumns                               []string
	replaced                                  string
	ended                                     string
	endedColumns                              []string
	foot                                      markup
}

// Languages that pages and messages are written in, as settings name them.
const (
	English = "en"
	Chinese = "zh-CN"
)

// wordsOf are those of a language; English where it is none of ours.
func wordsOf(language string) *words {
	if language == Chinese {
		return chinese()
	}
	return english()
}
