//go:build !function

package local

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// The names of the services, in Cloud.Faults and in the log.
const (
	ServiceBackup    = "cloudbackup"
	ServiceOSS       = "oss"
	ServiceSTS       = "sts"
	ServiceDirectory = "directory"
)

const (
	bucketName     = "local-bucket"
	memberRoleName = "backup-statistics-member"
	keyLifetime    = 36 * time.Hour // that of the keys that Function Compute issues
)

// A Config says what a Cloud plays.
type Config struct {
	// Dir is the folder that is the bucket.
	Dir string
	// Function is the deployed function. What it leaves empty is filled in.
	Function Function
	// Path is the executable that is the function's code, with its Args. It is
	// started by the first invocation. Where it is empty the Runtime serves
	// whoever asks it.
	Path string
	Args []string
	// Env holds further variables of the function, as NAME=value. They win over
	// those of Cloud.Env.
	Env []string
	// Line, unless nil, is given each line that the function's process prints.
	Line func(line string)
	// NoRole leaves the function without credentials.
	NoRole bool
	// Members are further accounts. The resource directory lists them, and each
	// has a role that the function's account may assume.
	Members []string
	// TLS, unless nil, makes the services speak https with its certificate,
	// which must be for 127.0.0.1, and without PathStyle for the bucket's name.
	TLS *tls.Config
	// PathStyle has the bucket's name in the path of addresses. Else it is in the
	// host's name, as in production, below oss-<region>.localhost.
	PathStyle bool
}

// A Cloud is all the stand-ins on loopback listeners, and Function Compute with
// one function in it.
type Cloud struct {
	Keys      *Keys
	Backup    *CloudBackup
	OSS       *OSS
	STS       *STS
	Directory *Directory
	Runtime   *Runtime
	Log       *Log               // what arrived at the services
	Faults    map[string]*Faults // by the name of the service

	env     []string
	servers []*http.Server
}

// Start starts a Cloud. It protects nothing until CloudBackup.Set says so.
func Start(c Config) (*Cloud, error) {
	if c.Dir == "" {
		return nil, errors.New("start the stand-ins: the folder of the bucket is not given: want one, such as .local/bucket")
	}
	f := complete(c.Function)
	keys := new(Keys)
	cloud := &Cloud{
		Keys:      keys,
		Backup:    &CloudBackup{Keys: keys},
		OSS:       &OSS{Keys: keys, Dir: c.Dir, Bucket: bucketName, Region: f.Region, Account: f.AccountID},
		STS:       &STS{Keys: keys, Roles: make(map[string]Role)},
		Directory: &Directory{Keys: keys, Master: f.AccountID},
		Log:       new(Log),
		Faults:    make(map[string]*Faults),
		env:       []string{"OSS_BUCKET=" + bucketName, "OSS_REGION=" + f.Region, "MAX_EVENT_AGE=876000h"}, // days of long ago are played
	}
	for i, id := range c.Members {
		cloud.Directory.Accounts = append(cloud.Directory.Accounts, Member{ID: id, Name: fmt.Sprintf("member-%d", i+1)})
		cloud.STS.Roles["acs:ram::"+id+":role/"+memberRoleName] = Role{Account: id, Trusted: f.AccountID}
	}
	if len(c.Members) > 0 {
		cloud.env = append(cloud.env, "MEMBER_ROLE_NAME="+memberRoleName)
	}
	for _, s := range []struct {
		name, variable string
		handler        http.Handler
	}{
		{ServiceBackup, "CLOUD_BACKUP_ENDPOINT", cloud.Backup},
		{ServiceOSS, "OSS_ENDPOINT", cloud.OSS},
		{ServiceSTS, "STS_ENDPOINT", cloud.STS},
		{ServiceDirectory, "RESOURCE_DIRECTORY_ENDPOINT", cloud.Directory},
	} {
		faults := &Faults{Next: s.handler, Service: protocolOf(s.name), Keys: keys}
		cloud.Faults[s.name] = faults
		endpoint, err := cloud.serve(cloud.Log.Wrap(s.name, faults), c.TLS)
		if err != nil {
			cloud.Close()
			return nil, fmt.Errorf("start the stand-in of %s: %w", s.name, err)
		}
		if s.name == ServiceOSS && !c.PathStyle {
			endpoint = strings.Replace(endpoint, "127.0.0.1", "oss-"+f.Region+".localhost", 1)
		}
		cloud.env = append(cloud.env, s.variable+"="+endpoint)
	}
	cloud.Runtime = cloud.runtime(c, f)
	return cloud, nil
}

// protocolOf is the form in which a service writes its errors.
func protocolOf(service string) string {
	if service == ServiceOSS {
		return "oss"
	}
	return "acs"
}

// complete fills in what a function leaves open, as the project's s.yaml has it.
func complete(f Function) Function {
	f.Name = cmp.Or(f.Name, "backup-statistics")
	f.Handler = cmp.Or(f.Handler, "main")
	f.Memory = cmp.Or(f.Memory, "128")
	f.Timeout = cmp.Or(f.Timeout, time.Minute)
	f.Region = cmp.Or(f.Region, "cn-hangzhou")
	f.AccountID = cmp.Or(f.AccountID, "1234567890123456")
	f.Qualifier = cmp.Or(f.Qualifier, "LATEST")
	return f
}

// serve listens for one service and returns its address.
func (c *Cloud) serve(h http.Handler, secure *tls.Config) (endpoint string, _ error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	endpoint = "http://" + listener.Addr().String()
	if secure != nil {
		endpoint = "https://" + listener.Addr().String()
		listener = tls.NewListener(listener, secure)
	}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)} // faults are meant
	c.servers = append(c.servers, server)
	go server.Serve(listener)
	return endpoint, nil
}

func (c *Cloud) runtime(config Config, f Function) *Runtime {
	r := &Runtime{Function: f}
	if !config.NoRole {
		r.Issue = c.Issue
	}
	if config.Path != "" {
		r.Process = &Process{Path: config.Path, Args: config.Args, Line: config.Line}
		r.Process.Env = append(c.Env(), config.Env...)
	}
	return r
}

// Env is what the function has to be told to find the stand-ins, as NAME=value.
func (c *Cloud) Env() []string {
	return append([]string(nil), c.env...)
}

// Issue makes new credentials of the function's role. They end with revoke.
func (c *Cloud) Issue() (key Key, revoke func()) {
	key = Key{
		ID: "STS.NT" + rand.Text()[:22], Secret: rand.Text() + rand.Text()[:18],
		Token:   "CAIS" + rand.Text() + rand.Text() + rand.Text() + "==",
		Account: c.Runtime.Function.AccountID, Expires: time.Now().Add(keyLifetime),
	}
	c.Keys.Add(key)
	return key, func() { c.Keys.Remove(key.ID) }
}

// Close ends the function's process, if one runs, and then the services.
func (c *Cloud) Close() {
	if c.Runtime != nil {
		c.Runtime.Close()
	}
	for _, server := range c.servers {
		server.Close()
	}
}
