package report

import (
	"embed"
	"strings"
)

//go:embed schema/*.schema.json
var schemaFiles embed.FS

// SchemaKey is where a schema is kept, by the name of its file.
func SchemaKey(name string) string { return SchemaDir + name }

// Schemas are the JSON Schemas of all documents, by the names of their files.
// That of latest.json is made of the day record's, which it is a copy of.
func Schemas() map[string][]byte {
	schemas := make(map[string][]byte)
	files, _ := schemaFiles.ReadDir("schema") // what is embedded can be read
	for _, file := range files {
		schemas[file.Name()], _ = schemaFiles.ReadFile("schema/" + file.Name())
	}
	schemas["latest.v1.schema.json"] = []byte(strings.NewReplacer(
		`"urn:backup-statistics:day:v1"`, `"urn:backup-statistics:latest:v1"`,
		`"Day record"`, `"Copy of the newest complete day record"`,
		`"enum": ["complete", "partial", "missing"]`, `"const": "complete"`,
	).Replace(string(schemas["day.v1.schema.json"])))
	return schemas
}

// SchemasSum is the SHA-256 of all schemas with their names: by it a trend knows those
// that were written beside it. It stands here, since to count it takes as long as the
// rest of a run's sums; a test holds it.
const SchemasSum = "06fa91ef4893e246e9a76c610d45a013a8e5b14c007e4dc83207b21d8be25805"
