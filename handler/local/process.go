//go:build !function

package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// maxLineBytes is where Function Compute cuts a line of the log.
const maxLineBytes = 32 << 10

// A Process is an executable that is started as Function Compute starts an
// instance of a function: with nothing of this machine's environment.
type Process struct {
	Path string
	Args []string
	// Env holds the function's own variables, as NAME=value.
	Env []string
	// Line, unless nil, is given each line the process prints, wherever to, one
	// after another.
	Line func(line string)
	// Started, unless nil, is told of each process that was started.
	Started func(*os.Process)
	// Exit, unless nil, is told how each run ended.
	Exit func(*os.ProcessState)
}

// A child is one run of a Process and the runtime API that is its alone.
type child struct {
	*instance
	command *exec.Cmd
}

// start starts the process and the API it asks for events.
func (p *Process) start(f Function, key Key) (*child, error) {
	path, err := filepath.Abs(p.Path)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Path, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start %s: listen for it: %w", path, err)
	}
	out := &lineWriter{line: p.Line}
	c := &child{newInstance(startTime), exec.Command(path, p.Args...)}
	c.command.Dir = filepath.Dir(path)
	// One that outlived whoever started it asks where it was told to, whose port this
	// may be now: it does not know the path, and gets no event of another's.
	own := "/" + newID("c")
	c.command.Env = p.environment(f, key, c.command.Dir, listener.Addr().String()+own)
	c.command.Stdout, c.command.Stderr = out, out
	c.command.WaitDelay = time.Second // a grandchild may hold its output open
	if err := c.command.Start(); err != nil {
		listener.Close()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	if p.Started != nil {
		p.Started(c.command.Process)
	}
	server := &http.Server{Handler: http.StripPrefix(own, c.instance), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(listener)
	go func() {
		// The process first and the listener after: without it, the SDK asks
		// again, and logs, thousands of times a second.
		c.command.Wait() // its verdict is in ProcessState
		out.flush()
		if p.Exit != nil {
			p.Exit(c.command.ProcessState)
		}
		server.Close()
		close(c.gone)
	}()
	return c, nil
}

// environment is what a function of Function Compute finds. The copy of the
// credentials is that of the first invocation, and stale in later ones.
func (p *Process) environment(f Function, key Key, code, api string) []string {
	env := []string{
		"TZ=UTC",
		"FC_RUNTIME_API=" + api,
		"FC_FUNC_CODE_PATH=" + code,
		"FC_REGION=" + f.Region,
		"FC_ACCOUNT_ID=" + f.AccountID,
		"FC_FUNCTION_NAME=" + f.Name,
		"FC_FUNCTION_HANDLER=" + f.Handler,
		"FC_FUNCTION_MEMORY_SIZE=" + f.Memory,
		"FC_FUNCTION_VERSION=" + f.VersionID,
		"FC_INSTANCE_ID=" + newID("c"),
	}
	if key.ID != "" {
		env = append(env,
			"ALIBABA_CLOUD_ACCESS_KEY_ID="+key.ID,
			"ALIBABA_CLOUD_ACCESS_KEY_SECRET="+key.Secret,
			"ALIBABA_CLOUD_SECURITY_TOKEN="+key.Token)
	}
	return append(env, p.Env...)
}

// stop kills the process and returns when it is gone.
func (c *child) stop() {
	if err := c.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return // not ours to end any more
	}
	<-c.gone
}

func (c *child) exited() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// A lineWriter cuts what is written into lines.
type lineWriter struct {
	line func(string)

	mu   sync.Mutex
	rest []byte
}

// Write passes on each line that is complete, or as long as a line may be.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, complete := bytes.Cut(w.rest, []byte("\n"))
		if len(line) > maxLineBytes {
			line, rest, complete = w.rest[:maxLineBytes], w.rest[maxLineBytes:], true
		}
		if !complete {
			return len(p), nil
		}
		w.pass(line)
		w.rest = rest
	}
}

// flush passes on what is left when nothing more comes.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.pass(w.rest)
		w.rest = nil
	}
}

func (w *lineWriter) pass(line []byte) {
	if w.line != nil {
		w.line(string(bytes.TrimSuffix(line, []byte("\r"))))
	}
}
