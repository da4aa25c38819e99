package report

import "time"

// Words are all that people read in one language: plain phrases, and functions that put
// numbers and names into them. What is markup gets and gives markup.
type words struct {
	tag  string // of the language
	name string // of the documents' title

	// Numbers with their nouns.
	instances, ecsInstances, accounts, days func(n int64) string

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

	// The page.
	heading, noneYet                          string
	lead                                      func(date, instances, capacity, regions, accounts markup) markup
	leadMissing                               func(date markup) markup
	leadLast                                  func(date, instances, capacity, regions, accounts markup) markup
	inRegions, ofAccounts                     func(n int64) string
	lastComplete, daysShown, timeZone, fleet  string
	ofCollected                               func(collected, expected string) string
	renews                                    func(date markup) markup
	span                                      func(from, to markup) markup
	capacity, instancesTitle                  string
	noRecordThen, noHistoryYet                string
	up, down, unchanged                       string
	alerts, noAlerts                          string
	openAlerts                                func(n int64) string
	openSince                                 func(d markup) markup
	ended                                     string
	endedColumns                              []string
	trend                                     string
	holes                                     func(n int64) string
	noValue                                   string
	describe                                  func(first, last, low, high string) string
	valueOn                                   func(value string, d Date) string
	withoutValue                              func(n int64) string
	byMonth, byDay                            string
	monthColumns, dayColumns                  []string
	regionsTitle, noRegion, regionsNote       string
	moreRegions                               func(n int64) string
	lastSeen                                  func(d Date, capacity, instances string) string
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
	largestOn, missingOn                      func(d markup) markup
	largestColumns, missingColumns            []string
	moreMissing                               func(n int64, key string) string
	gaps, noGaps, gapsNote                    string
	gapColumns                                []string
	moreGaps                                  func(n int64) string
	unknown                                   string
	firstDay                                  string
	lastDays                                  func(n int64) string
	lastColumns                               []string
	foot                                      markup
	dayMonth, month                           func(t time.Time) string
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
