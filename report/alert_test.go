package report

import (
	"fmt"
	"testing"
)

func TestAlerts(t *testing.T) {
	const capacityOff = "data_dropped_percent=off"
	const only = capacityOff + ",resources_dropped=off,account_gone=off"
	for _, tt := range []struct{ name, rules, days, want string }{
		{"a first day", "", "a=5", ""},
		{"a first day that is missing", "", "? | a=5", "1+day_missing 2-day_missing(complete)"},
		{"growth", "", "a=3 | a=4 | a=4 b=1 | a=5 b=2", ""},

		{"a drop and its return", "", "a=5 | a=3 | a=3 | a=5", "2+resources_dropped 2+data_dropped_percent 4-resources_dropped(reached_again) 4-data_dropped_percent(reached_again)"},
		{"a drop that returns in part", "", "a=5 | a=3 | a=4", "2+resources_dropped 2+data_dropped_percent"},
		{"a drop for 31 days closes on the 30th after", capacityOff, "a=5 | a=3 x 31", "2+resources_dropped 32-resources_dropped(expired)"},
		{"a drop for 30 days is still open", capacityOff, "a=5 | a=3 x 30", "2+resources_dropped"},
		{"the limit passes on a hole too", capacityOff + ",day_missing=off", "a=5 | a=3 x 29 | ? x 3", "2+resources_dropped 32-resources_dropped(expired)"},
		{"a drop within a drop", capacityOff, "a=5 | a=4 | a=3 | a=4 | a=5", "2+resources_dropped 3+resources_dropped 4-resources_dropped(reached_again) 5-resources_dropped(reached_again)"},
		{"a drop behind a hole", capacityOff, "a=5 | ? | a=3 | a=5", "2+day_missing 3-day_missing(complete) 3+resources_dropped 4-resources_dropped(reached_again)"},
		{"a hole neither closes nor opens it", capacityOff + ",day_missing=off", "a=5 | a=3 | ? | a=5", "2+resources_dropped 4-resources_dropped(reached_again)"},
		{"a region drops while another grows", "", "a=3 b=3 | a=2 b=4", "2+resources_dropped"},
		{"an account drops while another grows", "", "1/a=3 2/a=3 | 1/a=2 2/a=4", "2+resources_dropped"},
		{"below the threshold", capacityOff + ",resources_dropped=2", "a=5 | a=4", ""},
		{"at the threshold", capacityOff + ",resources_dropped=2", "a=5 | a=3", "2+resources_dropped"},
		{"step by step below the threshold", capacityOff + ",resources_dropped=2", "a=5 | a=4 | a=3 | a=2", ""},
		{"items end by themselves", capacityOff + ",quota_percent=off", "a=10 b=10 | a=5 b=9 | a=12 b=9", "2+resources_dropped 3-resources_dropped(reached_again)"},

		{"an account drops as another comes", capacityOff, "1/a=3 | 1/a=2 2/a=1", "2+resources_dropped"},
		{"a new account closes nobody's drop", "", "1/a=5 | 1/a=2 | 1/a=2 2/a=7 | 1/a=2 2/a=7", "2+resources_dropped 2+data_dropped_percent"},
		{"an account leaves", "", "1/a=3 2/b=0 2/a=1 | 1/a=3", "2+account_gone"},
		{"it is back within a week", "", "1/a=3 2/a=1 | 1/a=3 | 1/a=3 2/a=1", "2+account_gone 3-account_gone(back)"},
		{"or it is history", "", "1/a=3 2/a=1 | 1/a=3 x 8", "2+account_gone 9-account_gone(expired)"},
		{"it comes back smaller: it joined", "", "1/a=3 2/a=5 | 1/a=3 | 1/a=3 2/a=1", "2+account_gone 3-account_gone(back)"},
		{"it left on a day without any record of its numbers", "", "1/a=3 2/a=1 | - | 1/a=3 | 1/a=3", "2+day_missing 3-day_missing(complete) 3+account_gone"},
		{"nobody is called gone while the list could not be had", "", "1/a=3 2/a=1 | 1/a=3 * | 1/a=3 2/a=1", "2+day_missing 3-day_missing(complete)"},
		{"but once it could", "", "1/a=3 2/a=1 | 1/a=3 * | 1/a=3", "2+day_missing 3-day_missing(complete) 3+account_gone"},
		{"an account with an open drop leaves", capacityOff, "1/a=3 2/a=3 | 1/a=3 2/a=1 | 1/a=3", "2+resources_dropped 3-resources_dropped(not_collected) 3+account_gone"},
		{"an account fails", "", "1/a=3 2/a=3 | 1/a=3 2! | 1/a=3 2/a=3", "2+day_missing 3-day_missing(complete)"},
		{"an account that fails mutes nobody", capacityOff, "1/a=3 2/a=3 | 1/a=1 2! | 1/a=1 2/a=3", "2+resources_dropped 2+day_missing 3-day_missing(complete)"},
		{"what an account lost while it failed", capacityOff, "1/a=3 2/a=3 | 1/a=3 2! | 1/a=3 2! | 1/a=3 2/a=2", "2+day_missing 4-day_missing(complete) 4+resources_dropped"},
		{"an account gives Cloud Backup up", capacityOff, "1/a=3 2/b=3 | 1/a=3 2~ | 1/a=3 2~ | 1/a=3 2/b=3", "2+region_gone 2+resources_dropped 4-region_gone(reached_again) 4-resources_dropped(reached_again)"},
		{"a source type is taken out", "", "a=3 DB:b=1 | a=3 | a=3 DB:b=1", ""},
		{"a source type with an open drop is taken out", capacityOff, "a=3 DB:b=4 | a=3 DB:b=1 | a=3", "2+resources_dropped 3-resources_dropped(not_collected)"},

		{"capacity falls by less", "resources_dropped=off,data_dropped_percent=21", "a=5 | a=4", ""},
		{"capacity falls by just that much", "resources_dropped=off,data_dropped_percent=20", "a=5 | a=4", "2+data_dropped_percent"},
		{"all capacity", "resources_dropped=off,data_dropped_percent=100", "a=5 | a=0 | a=1", "2+data_dropped_percent"},
		{"from nothing nothing falls", "data_dropped_percent=1", "a=0 | a=0", ""},

		{"a region vanishes and returns", capacityOff, "a=5 b=2 | a=5 | a=5 b=2", "2+region_gone 2+resources_dropped 3-region_gone(reached_again) 3-resources_dropped(reached_again)"},
		{"a region returns smaller", capacityOff, "a=5 b=2 | a=5 | a=5 b=1", "2+region_gone 2+resources_dropped 3-region_gone(reached_again)"},
		{"a region stays away", capacityOff + ",resources_dropped=off", "a=5 b=2 | a=5 x 31", "2+region_gone 32-region_gone(expired)"},
		{"a region without anything vanishes", "", "a=5 b=0 | a=5", ""},
		{"a region falls to nothing and is there", capacityOff, "a=5 b=2 | a=5 b=0", "2+resources_dropped"},
		{"a region of one account is another's too", capacityOff, "1/a=2 2/a=2 | 1/a=2 2/b=2", "2+resources_dropped"},
		{"a new account has the region that is gone", only, "1/a=2 1/b=2 | 1/a=2 | 1/a=2 2/b=2 | 1/a=2 2/b=2", "2+region_gone"},

		{"a gap of one day", "", "a=5 | ? | a=5", "2+day_missing 3-day_missing(complete)"},
		{"a gap of ten days", "", "a=5 | ? x 10 | a=5", "2+day_missing 12-day_missing(complete)"},
		{"a gap of 40 days stays open", "", "a=5 | ? x 40", "2+day_missing"},
		{"two gaps", "", "a=5 | ? | a=5 | - | a=5", "2+day_missing 3-day_missing(complete) 4+day_missing 5-day_missing(complete)"},

		{"use of the quota crosses the threshold", "", "a=7 | a=8 | a=9", "2+quota_percent"},
		{"and is told once more when it is used up, and for a week", "", "a=7 | a=8 | a=11 x 8", "2+quota_percent 3+quota_percent 10-quota_percent(used_up) 10-quota_percent(used_up)"},
		{"both at once are one", "", "a=7 | a=11 x 8", "2+quota_percent 9-quota_percent(used_up)"},
		{"below the threshold it is no notice for ever", "", "a=7 | a=8 x 40", "2+quota_percent"},
		{"use falls below it", only, "a=8 | a=7 | a=8", "1+quota_percent 2-quota_percent(below) 3+quota_percent"},
		{"use falls below the quota and stays above the threshold", only, "a=8 | a=10 | a=9", "1+quota_percent 2+quota_percent 3-quota_percent(below)"},
		{
			"one of two accounts goes below and comes back", only,
			"1/a=8 2/a=8 | 1/a=8 2/a=7 | 1/a=8 2/a=8", "1+quota_percent 2-quota_percent(below) 3+quota_percent",
		},
		{"another account crosses", "", "1/a=8 2/a=7 | 1/a=8 2/a=8", "1+quota_percent 2+quota_percent"},
		{"the account leaves", only, "1/a=8 2/a=1 | 2/a=1", "1+quota_percent 2-quota_percent(not_collected)"},
		{"a part of it is not collected any more", only, "a=4 DB:a=4 | a=4", "1+quota_percent 2-quota_percent(not_collected)"},
		{"a part of it fails", only + ",day_missing=off", "a=4 DB:a=4 | a=4 1!DB | a=4 DB:a=4 | a=1 1!DB | a=1 DB:a=4", "1+quota_percent 5-quota_percent(below)"},
		{"it crosses while a part of it fails", only + ",day_missing=off", "a=5 DB:a=2 | a=6 1!DB | a=6 DB:a=2", "2+quota_percent"},
		{"a quota is each account's own", "", "1/a=7 2/a=7", ""},
		{"a quota counts all source types", "", "a=4 DB:a=4", "1+quota_percent"},
		{"a threshold beyond the quota", "quota_percent=110", "a=9 | a=10 | a=11", "3+quota_percent"},

		{"the regions do not add up", "", "a=5 =1 | a=5 =1 | a=6", "1+total_mismatch 3-total_mismatch(adds_up)"},
		{"another account's do not add up", "", "1/a=3 1/=1 2/a=3 | 1/a=3 1/=1 2/a=3 2/=1", "1+total_mismatch 2+total_mismatch"},
		{"one of two adds up again", "", "1/a=3 1/=1 2/a=3 | 1/a=3 1/=1 2/a=3 2/=1 | 1/a=4 2/a=3 2/=1", "1+total_mismatch 2+total_mismatch 3-total_mismatch(adds_up)"},
		{"their account leaves", only, "1/a=3 2/a=3 2/=1 | 1/a=3", "1+total_mismatch 2-total_mismatch(not_collected)"},

		{
			"all rules are off", "resources_dropped=off,data_dropped_percent=off,region_gone=off,quota_percent=off,day_missing=off,total_mismatch=off,account_gone=off",
			"a=5 b=8 =1 | ? | a=1", "",
		},
	} {
		if got := changes(story(t, tt.rules, tt.days).records()); got != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

func TestAlertItems(t *testing.T) {
	for _, tt := range []struct{ name, days, want string }{
		{
			"total, region and no account where there is one", "a=5 b=2 | a=4 b=2",
			"resources_dropped; /ECS_FILE: 7→6; /ECS_FILE:a 5→4 | data_dropped_percent; /ECS_FILE: 7T→6T",
		},
		{
			"accounts where there are several", "1/a=3 2/b=3 | 1/a=3 2/b=1",
			"resources_dropped; /ECS_FILE: 6→4; /ECS_FILE:b 3→1; 2/ECS_FILE: 3→1 | data_dropped_percent; /ECS_FILE: 6T→4T",
		},
		{"what is gone has no after", "a=5 b=1 | a=5", "region_gone; /ECS_FILE:b 1→ | resources_dropped; /ECS_FILE: 6→5; /ECS_FILE:b 1→ | data_dropped_percent; /ECS_FILE: 6T→5T"},
		{
			"each source type", "a=3 DB:a=3 | a=2 DB:a=2",
			"resources_dropped; /DB: 3→2; /DB:a 3→2; /ECS_FILE: 3→2; /ECS_FILE:a 3→2 | data_dropped_percent; /DB: 3T→2T; /ECS_FILE: 3T→2T",
		},
		{"the use before, the use, and the threshold", "1/a=1 2/a=1 | 1/a=8 2/a=12", "quota_percent; 1/: 10→80@80; 2/: 10→120@100"},
		{"the total and the sum", "a=5 | a=5 =1", "total_mismatch; 1/ECS_FILE: 6T→5T"},
		{"a missing day counts accounts", "1/a=5 2/a=1 | ?", "day_missing; /: 2→"},
		{"a partial day, too", "1/a=5 2/a=1 | 1/a=5 2!", "day_missing; /: 2→1"},
		{"an account that is gone, with all its source types", "1/a=1 2/a=2 2/DB:a=3 1/DB:a=1 | 1/a=1 1/DB:a=1", "account_gone; 2/: 5→"},
		{"what a drop has come to", "a=4 b=3 | a=0 b=3 | a=2 b=3 | a=1 b=3", "resources_dropped; /ECS_FILE: 7→3→4; /ECS_FILE:a 4→0→1 | resources_dropped; /ECS_FILE: 5→4; /ECS_FILE:a 2→1 | data_dropped_percent; /ECS_FILE: 7T→3T→4T | data_dropped_percent; /ECS_FILE: 5T→4T"},
		{"accounts that fail or join are in no total", "1/a=5 2/a=5 | 1/a=4 2! 3/a=7", "resources_dropped; /ECS_FILE: 5→4; /ECS_FILE:a 5→4; 1/ECS_FILE: 5→4 | data_dropped_percent; /ECS_FILE: 5T→4T | day_missing; /: 3→2"},
	} {
		if got := spellAll(story(t, "", tt.days).last().Alerts); got != tt.want {
			t.Errorf("%s:\nopen are %s\nwant     %s", tt.name, got, tt.want)
		}
	}
}

// A region may hold capacity without instances.
func TestRegionGoneWithoutInstances(t *testing.T) {
	p := play(t, "data_dropped_percent=off")
	d := date(t, "2026-11-23")
	p.settle(d, "a=5 b=0")
	p.kept[d][0].Regions[1].ProtectedDataBytes = 1
	for i, day := range []string{"a=5", "a=5", "a=5 b=1"} {
		p.settle(d+1+Date(i), day)
	}
	if got, want := changes(p.records()), "2+region_gone 4-region_gone(reached_again)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGrowthOpensNothing(t *testing.T) {
	p := play(t, "")
	for i := range 400 {
		spelt := fmt.Sprintf("1/a=%d 1/b=%d 2/a=%d", 1+i/200, 1+i/133, 1+i/100)
		if i > 300 {
			spelt += " 2/c=1"
		}
		p.settle(date(t, "2027-01-01")+Date(i), spelt)
	}
	if got := changes(p.records()); got != "" || len(p.trend().Gaps) > 0 {
		t.Errorf("alerts %q, gaps %v; want none", got, p.trend().Gaps)
	}
}

func TestFellBy(t *testing.T) {
	const most = 1<<63 - 1
	for _, tt := range []struct {
		name                   string
		before, after, percent int64
		want                   bool
	}{
		{"one percent of a hundred", 100, 99, 1, true},
		{"less than one percent", 101, 100, 1, false},
		{"a byte short of ten percent", 1000, 901, 10, false},
		{"ten percent", 1000, 900, 10, true},
		{"ten percent rounded up", 1001, 901, 10, false},
		{"all of the largest number", most, 0, 100, true},
		{"all but one", most, 1, 100, false},
		{"half of the largest number", most, most / 2, 50, true},
		{"a byte less than half of it", most, most/2 + 1, 50, false},
		{"nothing of nothing", 0, 0, 1, false},
		{"growth", 1, most, 1, false},
	} {
		if got := fellBy(tt.before, tt.after, tt.percent); got != tt.want {
			t.Errorf("%s: fellBy(%d, %d, %d) = %v, want %v", tt.name, tt.before, tt.after, tt.percent, got, tt.want)
		}
	}
}
