package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"go.yaml.in/yaml/v3"
)

// arguments are what a resource, or a block of one, takes; true: it must be there.
type arguments map[string]bool

// documented reads which arguments the documentation of each resource has.
func documented(t *testing.T) map[string]arguments {
	t.Helper()
	all := make(map[string]arguments)
	for line := range strings.Lines(string(content(t, "testdata/resources.txt"))) {
		name, list, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		all[name] = make(arguments)
		for _, word := range strings.Fields(list) {
			argument, required := strings.CutSuffix(word, "!")
			all[name][argument] = required
		}
	}
	return all
}

// hold tells which of the arguments given are not documented, or lack.
func (a arguments) hold(t *testing.T, what string, given []string) {
	t.Helper()
	if a == nil {
		t.Errorf("%s: testdata/resources.txt does not know it: want what its documentation lists", what)
	}
	for _, name := range given {
		if _, ok := a[name]; !ok {
			t.Errorf("%s takes no %s: want one of %v", what, name, slices.Sorted(maps.Keys(a)))
		}
	}
	for name, required := range a {
		if required && !slices.Contains(given, name) {
			t.Errorf("%s needs %s", what, name)
		}
	}
}

func content(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A policy in one form: with lists of actions and resources.
func policy(t *testing.T, document any) any {
	t.Helper()
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatalf("%s is no policy: %v", data, err)
	}
	for _, statement := range p.Statement {
		for _, key := range []string{"Action", "Resource"} {
			if one, ok := statement[key].(string); ok {
				statement[key] = []any{one}
			}
		}
	}
	return p
}

// stored is the policy in a file, for a bucket, without the statements from the one on.
func stored(t *testing.T, name, bucket string, statements int) any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(content(t, name)), "BUCKET", bucket)), &document); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if list := document["Statement"].([]any); statements > 0 {
		document["Statement"] = list[:statements]
	}
	return policy(t, document)
}

// What the deployer may do ends where the function's role and bucket end.
func TestDeployerPassesOneRole(t *testing.T) {
	passes := false
	for _, s := range reflect.ValueOf(stored(t, "../.ros/deployer.json", "acme-reports", 0)).FieldByName("Statement").Interface().([]map[string]any) {
		for _, action := range s["Action"].([]any) {
			name := action.(string)
			if strings.HasPrefix(name, "ram:") && name != "ram:CreateServiceLinkedRole" && slices.Contains(s["Resource"].([]any), any("*")) {
				t.Errorf("%s on every resource: want it on the function's role and policy alone", name)
			}
			passes = passes || name == "ram:PassRole" && fmt.Sprint(s["Condition"]) == "map[StringEquals:map[acs:Service:fc.aliyuncs.com]]"
		}
	}
	if !passes {
		t.Error("the deployer can't hand the role to Function Compute: want ram:PassRole")
	}
}

// The stack template makes the role and the policy that a deployment by hand makes.
func TestStackTemplates(t *testing.T) {
	known := documented(t)
	for _, file := range []string{"../.ros/function.yaml", "../.ros/member-role.yaml"} {
		for accounts, statements := range map[string]int{"one": 3, "several": 5} {
			s := stack{"Bucket": "acme-reports", "Role": "backup-statistics", "Accounts": accounts, "FunctionRole": "acs:ram::1:role/a", "ExternalId": "id"}
			resources := s.resources(t, file)
			var role, granted any
			for _, name := range slices.Sorted(maps.Keys(resources)) {
				r := resources[name]
				kind := r["Type"].(string)
				properties := r["Properties"].(map[string]any)
				known[kind].hold(t, file+": "+kind, slices.Collect(maps.Keys(properties)))
				switch kind {
				case "ALIYUN::OSS::Bucket":
					if r["DeletionPolicy"] != "Retain" || properties["BucketName"] != "acme-reports" {
						t.Errorf("%s: the bucket is %v, want one that stays", file, r)
					}
				case "ALIYUN::RAM::Role":
					role = properties["AssumeRolePolicyDocument"]
				case "ALIYUN::RAM::ManagedPolicy":
					document := properties["PolicyDocument"].(map[string]any)
					for _, statement := range document["Statement"].([]any) {
						for _, key := range []string{"Action", "Resource"} { // RAM itself takes a text as well
							if _, list := statement.(map[string]any)[key].([]any); !list {
								t.Errorf("%s: %s of %v is no list, and the template's schema wants one", file, key, statement)
							}
						}
					}
					if granted != nil {
						document["Statement"] = append(document["Statement"].([]any), granted.(map[string]any)["Statement"].([]any)...)
					}
					granted = document
				}
			}
			if strings.Contains(file, "member") {
				continue
			}
			if got, want := policy(t, role), stored(t, "../.ros/trust.json", "", 0); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the role trusts %v, want %v", file, got, want)
			}
			got, want := policy(t, granted), stored(t, "../.ros/policy.json", "acme-reports", statements)
			if g, w := sorted(got), sorted(want); !slices.Equal(g, w) {
				t.Errorf("%s, %s: the policy is\n%v, want\n%v", file, accounts, g, w)
			}
		}
	}
}

// sorted are the statements of a policy, each as a text.
func sorted(p any) (texts []string) {
	for _, s := range reflect.ValueOf(p).FieldByName("Statement").Interface().([]map[string]any) {
		texts = append(texts, fmt.Sprint(s))
	}
	slices.Sort(texts)
	return texts
}

// A stack is the values of a template's parameters.
type stack map[string]any

// resources are those that the template makes, with its functions resolved.
func (s stack) resources(t *testing.T, file string) map[string]map[string]any {
	t.Helper()
	var template struct {
		ROSTemplateFormatVersion string `yaml:"ROSTemplateFormatVersion"`
		Parameters               map[string]map[string]any
		Conditions               map[string]any
		Resources                map[string]map[string]any
	}
	text := string(content(t, file))
	for _, key := range []string{"Parameters", "Conditions", "Resources"} {
		text = strings.Replace(text, "\n"+key+":", "\n"+strings.ToLower(key)+":", 1)
	}
	if err := yaml.Unmarshal([]byte(text), &template); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if template.ROSTemplateFormatVersion != "2015-09-01" {
		t.Errorf("%s: the template's version is %q", file, template.ROSTemplateFormatVersion)
	}
	for name := range template.Parameters {
		if s[name] == nil {
			t.Fatalf("%s: parameter %s has no value in the test", file, name)
		}
	}
	made := make(map[string]map[string]any)
	for name, r := range template.Resources {
		if condition, ok := r["Condition"]; ok {
			if met, ok := s.resolve(t, template.Conditions[condition.(string)]).(bool); !ok || !met {
				continue
			}
		}
		made[name] = s.resolve(t, r).(map[string]any)
	}
	return made
}

func (s stack) resolve(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = s.resolve(t, v[i])
		}
		return list
	case map[string]any:
		resolved := make(map[string]any)
		for key, value := range v {
			value = s.resolve(t, value)
			switch key {
			case "Ref":
				if s[value.(string)] == nil {
					t.Errorf("Ref: %v is no parameter", value)
				}
				return s[value.(string)]
			case "Fn::Join":
				var parts []string
				for _, part := range value.([]any)[1].([]any) {
					parts = append(parts, fmt.Sprint(part))
				}
				return strings.Join(parts, value.([]any)[0].(string))
			case "Fn::Equals":
				return value.([]any)[0] == value.([]any)[1]
			case "Fn::GetAtt":
				return fmt.Sprint(value)
			}
			resolved[key] = value
		}
		return resolved
	}
	return v
}

// A module is the Terraform configuration, evaluated for some values of its variables.
type module struct {
	t         *testing.T
	blocks    hclsyntax.Blocks
	context   *hcl.EvalContext
	resources map[string]*hclsyntax.Body
}

func load(t *testing.T, variables map[string]cty.Value) *module {
	t.Helper()
	files, err := filepath.Glob("../.tf/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no *.tf: %v", err)
	}
	m := &module{t: t, resources: make(map[string]*hclsyntax.Body)}
	parser := hclparse.NewParser()
	for _, file := range files {
		parsed, problems := parser.ParseHCLFile(file)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		m.blocks = append(m.blocks, parsed.Body.(*hclsyntax.Body).Blocks...)
	}
	text := func(value string) cty.Value { return cty.StringVal(value) }
	m.context = &hcl.EvalContext{
		Functions: map[string]function.Function{
			"jsonencode": stdlib.JSONEncodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "merge": stdlib.MergeFunc, "slice": stdlib.SliceFunc, "length": stdlib.LengthFunc,
			"replace": stdlib.ReplaceFunc, "file": contentOf(true), "filebase64": contentOf(false),
		},
		Variables: map[string]cty.Value{
			"path": cty.ObjectVal(map[string]cty.Value{"module": text("../.tf")}),
			"data": cty.ObjectVal(map[string]cty.Value{"alicloud_account": cty.ObjectVal(map[string]cty.Value{"this": cty.ObjectVal(map[string]cty.Value{"id": text("1234567890123456")})})}),
		},
	}
	values := maps.Clone(variables)
	for _, b := range m.blocks {
		switch b.Type {
		case "variable":
			if _, given := values[b.Labels[0]]; !given {
				if b.Body.Attributes["default"] == nil {
					t.Fatalf("variable %s has no default, and no value in the test", b.Labels[0])
				}
				values[b.Labels[0]] = m.value(b.Body.Attributes["default"])
			}
		case "resource":
			m.resources[strings.Join(b.Labels, ".")] = b.Body
		}
	}
	m.context.Variables["var"] = cty.ObjectVal(values)
	locals := make(map[string]cty.Value)
	for _, b := range m.blocks {
		if b.Type != "locals" {
			continue
		}
		for len(locals) < len(b.Body.Attributes) { // one may be made of another
			before := len(locals)
			for name, attribute := range b.Body.Attributes {
				if value, problems := attribute.Expr.Value(m.context); !problems.HasErrors() {
					locals[name] = value
					m.context.Variables["local"] = cty.ObjectVal(locals)
				}
			}
			if len(locals) == before {
				t.Fatalf("locals can't be evaluated, but for %v", slices.Collect(maps.Keys(locals)))
			}
		}
	}
	m.evaluate()
	return m
}

// contentOf plays file and filebase64: of what is built there need be nothing yet.
func contentOf(exists bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !exists {
				return cty.StringVal("content of " + args[0].AsString()), nil
			}
			data, err := os.ReadFile(args[0].AsString())
			return cty.StringVal(string(data)), err
		},
	})
}

// evaluate gives the resources to each other, as objects of what is written in them.
func (m *module) evaluate() {
	for range m.resources {
		byType := make(map[string]map[string]cty.Value)
		for name, body := range m.resources {
			kind, label, _ := strings.Cut(name, ".")
			object := map[string]cty.Value{"arn": cty.StringVal("acs:ram::1234567890123456:role/" + label)}
			for key, attribute := range body.Attributes {
				if value, problems := attribute.Expr.Value(m.context); !problems.HasErrors() {
					object[key] = value
				}
			}
			if byType[kind] == nil {
				byType[kind] = make(map[string]cty.Value)
			}
			byType[kind][label] = cty.ObjectVal(object)
		}
		for kind, objects := range byType {
			m.context.Variables[kind] = cty.ObjectVal(objects)
		}
	}
}

func (m *module) value(attribute *hclsyntax.Attribute) cty.Value {
	m.t.Helper()
	if attribute == nil {
		m.t.Fatal("an attribute is not there")
	}
	value, problems := attribute.Expr.Value(m.context)
	if problems.HasErrors() {
		m.t.Fatal(problems)
	}
	return value
}

// plain is the value of an argument of a resource, or of a block of it, as JSON has it.
func (m *module) plain(resource, path string) any {
	m.t.Helper()
	body := m.resources[resource]
	if body == nil {
		m.t.Fatalf("no resource %s", resource)
	}
	for block, rest, nested := strings.Cut(path, "."); nested; block, rest, nested = strings.Cut(rest, ".") {
		for _, b := range body.Blocks {
			if b.Type == block {
				body = b.Body
			}
		}
		path = rest
	}
	value := m.value(body.Attributes[path])
	data, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		m.t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		m.t.Fatal(err)
	}
	return plain
}

// meta are the arguments and blocks that Terraform itself takes in every resource.
var meta = []string{"count", "depends_on", "lifecycle"}

func TestTerraformTakesWhatIsDocumented(t *testing.T) {
	known := documented(t)
	m := load(t, map[string]cty.Value{"bucket": cty.StringVal("acme-reports"), "alarm_group": cty.StringVal("on-call")})
	var hold func(what string, body *hclsyntax.Body)
	hold = func(what string, body *hclsyntax.Body) {
		given := slices.Collect(maps.Keys(body.Attributes))
		for _, b := range body.Blocks {
			given = append(given, b.Type)
			if !slices.Contains(meta, b.Type) {
				hold(what+"."+b.Type, b.Body)
			}
		}
		given = slices.DeleteFunc(given, func(name string) bool { return slices.Contains(meta, name) })
		known[what].hold(t, what, given)
		for _, attribute := range body.Attributes {
			if !slices.Contains(meta, attribute.Name) {
				m.value(attribute) // all can be evaluated
			}
		}
	}
	for name, body := range m.resources {
		kind, _, _ := strings.Cut(name, ".")
		hold(kind, body)
	}
	for _, want := range []string{"alicloud_fcv3_function", "alicloud_fcv3_trigger", "alicloud_fcv3_async_invoke_config", "alicloud_ram_role", "alicloud_ram_policy", "alicloud_log_project"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(m.resources)), func(name string) bool { return strings.HasPrefix(name, want+".") }) {
			t.Errorf("no %s", want)
		}
	}
}

// Terraform and Serverless Devs deploy the same function.
func TestTerraformFollowsServerlessDevs(t *testing.T) {
	var s struct {
		Resources struct {
			Snapshot struct {
				Props struct {
					Description, Runtime, Handler, Code string
					MemorySize, CPU, DiskSize, Timeout  float64
					InternetAccess                      bool
					AsyncInvokeConfig                   struct{ MaxAsyncRetryAttempts, MaxAsyncEventAgeInSeconds float64 }
					Triggers                            []struct {
						TriggerName, TriggerType, Description, Qualifier string
						TriggerConfig                                    map[string]any
					}
				}
			}
		}
	}
	var document any
	if err := yaml.Unmarshal(content(t, "../s.yaml"), &document); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &s); err != nil { // whose names know no case
		t.Fatal(err)
	}
	want := s.Resources.Snapshot.Props
	m := load(t, map[string]cty.Value{
		"bucket": cty.StringVal("acme-reports"), "time_zone": cty.StringVal("UTC"),
		"environment": cty.MapVal(map[string]cty.Value{"LOG_LEVEL": cty.StringVal("debug")}),
	})
	function := "alicloud_fcv3_function.this"
	for path, value := range map[string]any{
		"description": want.Description, "runtime": want.Runtime, "handler": want.Handler, "memory_size": want.MemorySize, "cpu": want.CPU,
		"disk_size": want.DiskSize, "timeout": want.Timeout, "internet_access": want.InternetAccess, "role": "acs:ram::1234567890123456:role/function",
		"environment_variables": map[string]any{"OSS_BUCKET": "acme-reports", "TIME_ZONE": "UTC", "LOG_LEVEL": "debug"},
		"code.zip_file":         "content of ../.tf/" + "../" + strings.TrimPrefix(want.Code, "./"),
		"log_config.project":    "backup-statistics-1234567890123456", "log_config.logstore": "function",
	} {
		if got := m.plain(function, path); !reflect.DeepEqual(got, value) {
			t.Errorf("%s is %v, want %v", path, got, value)
		}
	}
	async := "alicloud_fcv3_async_invoke_config.this"
	if got := m.plain(async, "max_async_retry_attempts"); got != want.AsyncInvokeConfig.MaxAsyncRetryAttempts {
		t.Errorf("%v retries, want %v", got, want.AsyncInvokeConfig.MaxAsyncRetryAttempts)
	}
	if got := m.plain(async, "max_async_event_age_in_seconds"); got != want.AsyncInvokeConfig.MaxAsyncEventAgeInSeconds {
		t.Errorf("an event lives %v s, want %v", got, want.AsyncInvokeConfig.MaxAsyncEventAgeInSeconds)
	}
	if len(want.Triggers) != 2 {
		t.Errorf("s.yaml has %d triggers, want 2", len(want.Triggers))
	}
	for _, trigger := range want.Triggers {
		name := "alicloud_fcv3_trigger." + trigger.TriggerName
		trigger.TriggerConfig["cronExpression"] = strings.ReplaceAll(trigger.TriggerConfig["cronExpression"].(string), "${vars.time_zone}", "UTC")
		for path, value := range map[string]any{
			"trigger_name": trigger.TriggerName, "trigger_type": trigger.TriggerType, "description": trigger.Description, "qualifier": trigger.Qualifier, "function_name": "backup-statistics",
		} {
			if got := m.plain(name, path); got != value {
				t.Errorf("%s: %s is %v, want %v", name, path, got, value)
			}
		}
		var config map[string]any
		if err := json.Unmarshal([]byte(m.plain(name, "trigger_config").(string)), &config); err != nil || !reflect.DeepEqual(config, trigger.TriggerConfig) {
			t.Errorf("%s: the configuration is %v (%v), want %v", name, config, err, trigger.TriggerConfig)
		}
	}
}

func TestTerraformGrantsThePolicy(t *testing.T) {
	for several, statements := range map[bool]int{false: 3, true: 5} {
		m := load(t, map[string]cty.Value{"bucket": cty.StringVal("acme-reports"), "several_accounts": cty.BoolVal(several)})
		var granted, trusted any
		for text, to := range map[any]*any{m.plain("alicloud_ram_policy.function", "policy_document"): &granted, m.plain("alicloud_ram_role.function", "assume_role_policy_document"): &trusted} {
			if err := json.Unmarshal([]byte(text.(string)), to); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := policy(t, granted), stored(t, "../.ros/policy.json", "acme-reports", statements); !reflect.DeepEqual(got, want) {
			t.Errorf("several accounts %s: the policy is %v, want %v", strconv.FormatBool(several), got, want)
		}
		if got, want := policy(t, trusted), stored(t, "../.ros/trust.json", "", 0); !reflect.DeepEqual(got, want) {
			t.Errorf("the role trusts %v, want %v", got, want)
		}
	}
}
