// Command clouds plays Google Cloud KMS and Azure Key Vault, with their logins,
// for tests: a reference server, written from the services' documentation, with
// real cryptography, real tokens, key versions and states.
//
// It is an HTTP proxy. Connections that a client opens through it to the clouds'
// own host names (CONNECT) end in this process, under a certificate that the
// client was told to trust; so the client runs as it does in production, and
// behind a proxy at that. Requests to the proxy itself steer it: see control.go.
package main

import (
	"bufio"
	"crypto/tls"
	"flag"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address of the proxy")
	cert := flag.String("cert", "", "certificate for the clouds' host names")
	key := flag.String("key", "", "its key")
	flag.Parse()
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		log.Fatal(err)
	}
	state := newState()
	inside := &queue{connections: make(chan net.Conn)}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	go func() {
		server := &http.Server{Handler: state.clouds()}
		log.Fatal(server.Serve(tls.NewListener(inside, config)))
	}()
	proxy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			state.control(w, r)
			return
		}
		connection, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		if host, _, _ := strings.Cut(r.Host, ":"); !known(host) || state.isCutOff(host) {
			connection.Write([]byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"))
			connection.Close()
			return
		}
		connection.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		inside.connections <- &buffered{connection, buffer.Reader}
	})
	log.Fatal(http.ListenAndServe(*listen, proxy))
}

func known(host string) bool {
	switch host {
	case "cloudkms.googleapis.com", "oauth2.googleapis.com", "login.microsoftonline.com":
		return true
	}
	return strings.HasSuffix(host, ".vault.azure.net")
}

// clouds routes by host name.
func (s *state) clouds() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch host := r.Host; {
		case host == "oauth2.googleapis.com" || host == "login.microsoftonline.com":
			s.login(w, r)
		case host == "cloudkms.googleapis.com":
			s.google(w, r)
		default:
			s.azure(w, r)
		}
	})
}

// buffered is a connection of which something was already read.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }

// queue is a listener that is handed its connections.
type queue struct{ connections chan net.Conn }

func (q *queue) Accept() (net.Conn, error) { return <-q.connections, nil }
func (q *queue) Close() error              { return nil }
func (q *queue) Addr() net.Addr            { return &net.TCPAddr{} }

func sleep(millis int) { time.Sleep(time.Duration(millis) * time.Millisecond) }
