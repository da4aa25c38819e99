package main

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A network brings requests to a service late: each answer takes a round trip
// more than the service needs, and so does each new connection.
type network struct {
	trip        time.Duration
	to          string // the service's address
	listener    net.Listener
	connections atomic.Int64
}

func newNetwork(trip time.Duration, to string) (*network, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &network{trip: trip, to: to, listener: listener}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			n.connections.Add(1)
			go n.carry(conn)
		}
	}()
	return n, nil
}

// A packet is what came at once, and when it is due at the other end.
type packet struct {
	data []byte
	due  time.Time
}

// carry delays one direction by the whole round trip: to who waits for the
// answer it is the same. The connection itself was made without waiting, so its
// first bytes make up for that.
func (n *network) carry(client net.Conn) {
	defer client.Close()
	connected := time.Now().Add(n.trip)
	service, err := net.Dial("tcp", n.to)
	if err != nil {
		return
	}
	packets := make(chan packet, 64)
	var both sync.WaitGroup
	both.Go(func() {
		defer close(packets)
		for buffer := make([]byte, 64<<10); ; {
			read, err := client.Read(buffer)
			if read > 0 {
				sent := time.Now()
				if sent.Before(connected) {
					sent = connected
				}
				packets <- packet{append([]byte(nil), buffer[:read]...), sent.Add(n.trip)}
			}
			if err != nil {
				return
			}
		}
	})
	both.Go(func() {
		for p := range packets {
			time.Sleep(time.Until(p.due))
			service.Write(p.data) //nolint:errcheck // its reader notices
		}
		service.(*net.TCPConn).CloseWrite() //nolint:errcheck
	})
	for buffer := make([]byte, 64<<10); ; {
		read, err := service.Read(buffer)
		if read > 0 {
			client.Write(buffer[:read]) //nolint:errcheck
		}
		if err != nil {
			break
		}
	}
	client.Close()
	service.Close()
	both.Wait()
}

// A detour makes requests take networks on their way to the services.
type detour struct {
	networks map[string]*network // by the variable that names the service
	env      []string
}

// newDetour takes NAME=https://host:port and leads there.
func newDetour(env []string, trip time.Duration) (*detour, error) {
	d := &detour{networks: make(map[string]*network)}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		address, ok := strings.CutPrefix(value, "https://")
		if !ok {
			continue
		}
		n, err := newNetwork(trip, address)
		if err != nil {
			d.close()
			return nil, err
		}
		d.networks[name] = n
		d.env = append(d.env, name+"=https://"+n.listener.Addr().String())
	}
	return d, nil
}

// connections is how many the services were sent, by all.
func (d *detour) connections() (all int) {
	for _, n := range d.networks {
		all += int(n.connections.Load())
	}
	return all
}

func (d *detour) close() {
	for _, n := range d.networks {
		n.listener.Close()
	}
}
