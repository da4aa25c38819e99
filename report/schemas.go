package report

import "embed"

//go:embed schema/*.schema.json
var schemaFiles embed.FS

// SchemaKey is where a schema is kept, by the name of its file.
func SchemaKey(name string) string { return SchemaDir + name }

// Schemas are the JSON Schemas of all documents, by the names of their files.
func Schemas() map[string][]byte {
	schemas := make(map[string][]byte)
	files, _ := schemaFiles.ReadDir("schema") // what is embedded can be read
	for _, file := range files {
		schemas[file.Name()], _ = schemaFiles.ReadFile("schema/" + file.Name())
	}
	return schemas
}
