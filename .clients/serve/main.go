// Command serve plays OSS and Cloud Backup for a bucket that is there, until its
// standard input ends. It prints one line of JSON with what a client has to know.
//
//	serve FOLDER
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"backup-statistics/handler/local"
)

// who asks, with a key that lasts, as people's do.
var reader = local.Key{ID: "LTAIreader", Secret: "the-secret-of-a-reader", Account: "1234567890123456"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "serve: want the folder that is the bucket")
		os.Exit(2)
	}
	cloud, err := local.Start(local.Config{Dir: os.Args[1]})
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
	defer cloud.Close()
	cloud.Keys.Add(reader)
	cloud.Backup.Set(reader.Account, "ECS_FILE",
		local.Region{ID: "cn-hangzhou", Bytes: 1<<53 + 1, Count: 2}, local.Region{ID: "cn-shenzhen", Bytes: 40 << 30, Count: 5})
	told := map[string]string{"KEY_ID": reader.ID, "KEY_SECRET": reader.Secret}
	for _, variable := range cloud.Env() {
		name, value, _ := strings.Cut(variable, "=")
		told[name] = value
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		return
	}
	io.Copy(io.Discard, os.Stdin)
}
