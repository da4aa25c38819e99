package cloudbackup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"backup-statistics/report"
)

// decodeStatistics accepts an answer of GetBasicStatistics only where it says
// without a doubt what is protected. Fields that it doesn't know may be there.
// A service that says no in the answer is a [*Refusal].
func decodeStatistics(top node, sourceType string) (s report.Statistics, err error) {
	if err := checkSuccess(top); err != nil {
		return s, err
	}
	id, err := top.text("RequestId")
	if err != nil {
		return s, err
	}
	switch echo, err := top.text("SourceType"); {
	case err != nil:
		return s, err
	case echo != sourceType:
		return s, fmt.Errorf("SourceType is %.40q: want %q, which was asked for", echo, sourceType)
	}
	global, err := top.object("GlobalStatistics")
	if err != nil {
		return s, err
	}
	total, err := decodeAmount(global)
	if err != nil {
		return s, err
	}
	regions, err := decodeRegions(top)
	if err != nil {
		return s, err
	}
	return report.Statistics{RequestID: id, Total: total, Regions: regions, Response: top.raw}, nil
}

// checkSuccess wants both marks of success. Status 200 is none: a refusal may
// come with it, and would otherwise be read as nothing protected.
func checkSuccess(top node) error {
	code := top.word("Code")
	switch success := string(top.fields["Success"]); {
	case success != "true" && success != "false":
		return top.unwanted("Success", "true")
	case success == "true" && code == "200":
		return nil
	case success == "true" && code == "":
		return top.unwanted("Code", "200")
	case success == "false" && code == "200":
		return top.unwanted("Success", "true, since Code is 200")
	}
	return &Refusal{Code: code, Message: top.word("Message")}
}

func decodeAmount(n node) (a report.Amount, err error) {
	if a.ProtectedDataBytes, err = n.count("ProtectedDataSize"); err != nil {
		return a, err
	}
	a.ProtectedResourceCount, err = n.count("ProtectedResourceCount")
	return a, err
}

func decodeRegions(top node) ([]report.Region, error) {
	list, err := top.list("RegionStatistics")
	if err != nil {
		return nil, err
	}
	regions := make([]report.Region, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, n := range list {
		id, err := n.text("RegionId")
		if err != nil {
			return nil, err
		}
		if len(id) > 64 || strings.ContainsFunc(id, unicode.IsControl) {
			return nil, fmt.Errorf("%s is %.80q: want at most 64 bytes, none of them control characters", n.at("RegionId"), id)
		}
		if seen[id] {
			return nil, fmt.Errorf("%s is %q for the second time: want each region once", n.at("RegionId"), id)
		}
		seen[id] = true
		amount, err := decodeAmount(n)
		if err != nil {
			return nil, err
		}
		regions = append(regions, report.Region{RegionID: id, Amount: amount})
	}
	return regions, nil
}

// A node is a JSON object of an answer, with its place in it. Names are matched
// exactly, and none stands twice.
type node struct {
	raw    []byte // without white space around it
	path   string // such as "RegionStatistics[0]."; "" of the whole answer
	fields map[string]json.RawMessage
	secret bool // values are not shown
}

// parse reads a whole answer. Only ours is strict enough: encoding/json takes the
// last of two equal names, and any spelling of them.
func parse(body []byte, secret bool) (node, error) {
	raw := trim(body)
	fields, err := report.ParseObject(raw)
	if err == nil && !json.Valid(slices.Concat([]byte("["), raw, []byte("]"))) {
		err = errors.New("nested too deep: want what can be read as a part of a snapshot, too")
	}
	if err != nil {
		return node{}, err
	}
	return node{raw: raw, fields: fields, secret: secret}, nil
}

func trim(body []byte) []byte { return bytes.Trim(body, " \t\r\n") }

// cutShort tells whether a body is the beginning of a JSON object.
func cutShort(body []byte) bool {
	body = trim(body)
	var value json.RawMessage
	err := json.NewDecoder(bytes.NewReader(body)).Decode(&value)
	return len(body) == 0 || body[0] == '{' && errors.Is(err, io.ErrUnexpectedEOF)
}

func (n node) at(name string) string { return n.path + name }

// unwanted says what a field is and what it should be.
func (n node) unwanted(name, want string) error {
	value, there := n.fields[name]
	if !there {
		return fmt.Errorf("%s is missing: want %s", n.at(name), want)
	}
	return n.strange(n.at(name), value, want)
}

func (n node) strange(at string, value json.RawMessage, want string) error {
	if n.secret {
		value = json.RawMessage("(not shown)")
	}
	return fmt.Errorf("%s is %s: want %s", at, cut(string(value), 40), want)
}

// word is a string, or a number as it is written; "" where it is neither.
func (n node) word(name string) string {
	var text string
	if value := n.fields[name]; json.Unmarshal(value, &text) != nil {
		var number json.Number
		if json.Unmarshal(value, &number) == nil {
			return number.String()
		}
	}
	return text
}

// text is a string that is not empty.
func (n node) text(name string) (text string, err error) {
	if json.Unmarshal(n.fields[name], &text) != nil || text == "" {
		return "", n.unwanted(name, "a string that is not empty")
	}
	return text, nil
}

// count is an integer from 0 to 2^63-1.
func (n node) count(name string) (int64, error) {
	count, err := report.ParseCount(n.fields[name])
	if err != nil {
		return 0, n.unwanted(name, "an integer from 0 to 9223372036854775807")
	}
	return count, nil
}

func (n node) object(name string) (node, error) {
	raw, there := n.fields[name]
	if !there || string(raw) == "null" {
		return node{}, n.unwanted(name, "an object")
	}
	fields, err := report.ParseObject(raw)
	if err != nil {
		return node{}, n.unwanted(name, "an object in which no name stands twice")
	}
	return node{raw: raw, path: n.at(name) + ".", fields: fields, secret: n.secret}, nil
}

// list is an array of objects, which may be empty.
func (n node) list(name string) ([]node, error) {
	var values []json.RawMessage
	if json.Unmarshal(n.fields[name], &values) != nil || values == nil {
		return nil, n.unwanted(name, "a list, which may be empty")
	}
	nodes := make([]node, len(values))
	for i, raw := range values {
		fields, err := report.ParseObject(raw)
		at := fmt.Sprintf("%s[%d]", n.at(name), i)
		if err != nil {
			return nil, n.strange(at, raw, "an object in which no name stands twice")
		}
		nodes[i] = node{raw: raw, path: at + ".", fields: fields, secret: n.secret}
	}
	return nodes, nil
}
