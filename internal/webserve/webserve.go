// Package webserve serves a page of this program to the person who started it,
// or to a few people it gave tokens to, and to nobody else.
//
// A server listens on a loopback address unless it has tokens. It answers only
// requests that name it by an address it has (against DNS rebinding), that
// other sites did not make (Sec-Fetch-Site, Origin) and that carry a token
// where there is one. Whatever changes something (every method but GET, HEAD
// and OPTIONS) must also carry the random token that the server gave its own
// pages (see [CSRF]). Bodies, headers, times, connections and requests at work
// are bounded, so that many or slow clients cost little.
//
// A first visit by ?token=T gets a cookie and, in a browser, the same address
// without the token, so that it does not stay in the history. Programs may send
// "Authorization: Bearer T" instead.
//
// Sources: the Fetch Metadata recommendation of the W3C (resource isolation),
// OWASP's cheat sheet on cross-site request forgery (double defence: origin and
// token), RFC 6265bis (SameSite).
package webserve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// DefaultCSP lets a page use its own server's styles, scripts and pictures and
// nothing else: no inline script or style, no frames, no other host. A handler
// may set another Content-Security-Policy for its page.
const DefaultCSP = "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// User is a person with a token of their own.
type User struct{ Name, Token string }

// Options say where and for whom to serve. A zero number takes its default.
type Options struct {
	// Listen is the address, HOST:PORT; port 0 takes a free one. Default 127.0.0.1:0.
	Listen string
	// Token is asked of everybody if it is not empty; needed where Listen is
	// not a loopback address. At least 8 characters.
	Token string
	// Users have tokens of their own, beside Token; see [Name].
	Users []User
	// Hosts are further names by which browsers may call the server, without
	// port: those of a proxy or of this machine in its network.
	Hosts []string
	// CSP is the Content-Security-Policy of every answer. Default DefaultCSP.
	CSP string
	// MaxBody is the most bytes in a request's body. Default 1 MiB.
	MaxBody int64
	// MaxRequests are at work at once; others wait up to Queue for their turn
	// and are then told to come again. Default 64.
	MaxRequests int
	// MaxConns are open at once; others wait in the system's queue. Default 2048.
	MaxConns int
	// Queue is the longest wait for a turn. Default 20 s.
	Queue time.Duration
	// HeaderTimeout and ReadTimeout bound reading a request's header and the
	// whole request. Defaults 5 s and 30 s.
	HeaderTimeout, ReadTimeout time.Duration
	// WriteTimeout bounds sending 64 KiB of an answer. Default 30 s.
	WriteTimeout time.Duration
	// IdleTimeout closes a connection without requests. Default 60 s.
	IdleTimeout time.Duration
	// Grace is how long requests at work may take after the end was asked for.
	// Default 5 s.
	Grace time.Duration
	// Log gets the server's own errors, such as a panic in a handler. Default:
	// standard error.
	Log *log.Logger
}

// DefaultOptions serve on a free loopback port without a token.
func DefaultOptions() Options {
	return Options{
		Listen: "127.0.0.1:0", CSP: DefaultCSP, MaxBody: 1 << 20, MaxRequests: 64, MaxConns: 2048,
		Queue: 20 * time.Second, HeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, Grace: 5 * time.Second,
	}
}

// or is v, or d where v is the zero value.
func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// complete fills zero values in.
func (o Options) complete() Options {
	d := DefaultOptions()
	o.Listen, o.CSP, o.MaxBody = or(o.Listen, d.Listen), or(o.CSP, d.CSP), or(o.MaxBody, d.MaxBody)
	o.MaxRequests, o.MaxConns = or(o.MaxRequests, d.MaxRequests), or(o.MaxConns, d.MaxConns)
	o.Queue, o.HeaderTimeout, o.ReadTimeout = or(o.Queue, d.Queue), or(o.HeaderTimeout, d.HeaderTimeout), or(o.ReadTimeout, d.ReadTimeout)
	o.WriteTimeout, o.IdleTimeout, o.Grace = or(o.WriteTimeout, d.WriteTimeout), or(o.IdleTimeout, d.IdleTimeout), or(o.Grace, d.Grace)
	o.Log = or(o.Log, log.New(os.Stderr, "webserve: ", 0))
	return o
}

// Server is a listening server; Serve makes it answer.
type Server struct {
	o        Options
	listener net.Listener
	shown    string // host:port in URLs
	loopback bool
	hosts    map[string]bool
	tokens   tokens
	csrf     string
}

// Listen opens the address, so that URL is known before Serve. It fails where
// the address is not one of this machine, is taken, or is not loopback and
// there is no token.
func Listen(o Options) (*Server, error) {
	o = o.complete()
	addr, err := resolve(o.Listen)
	if err != nil {
		return nil, err
	}
	toks, err := newTokens(o.Token, o.Users)
	if err != nil {
		return nil, err
	}
	loopback := addr.IP.IsLoopback()
	if !loopback && len(toks) == 0 {
		return nil, fmt.Errorf("webserve: %s can be reached from other machines: give a token, or listen on a loopback address such as 127.0.0.1:8080", o.Listen)
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("webserve: %w", err)
	}
	s := &Server{
		o: o, listener: newLimited(l, o.MaxConns), loopback: loopback,
		hosts: map[string]bool{"localhost": true}, tokens: toks, csrf: rand.Text(),
	}
	s.name()
	return s, nil
}

// resolve is the address of HOST:PORT. What is bound is this address and not
// the name, which could become another one in between.
func resolve(listen string) (*net.TCPAddr, error) {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return nil, fmt.Errorf("webserve: address %q: want HOST:PORT, for example 127.0.0.1:8080", listen)
	}
	addr, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("webserve: address %q: %w", listen, err)
	}
	return addr, nil
}

// name fills in the host of URLs and the names that requests may use.
func (s *Server) name() {
	bound := s.listener.Addr().(*net.TCPAddr)
	host, _, _ := net.SplitHostPort(s.o.Listen) // resolve split it before
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		s.hosts[strings.ToLower(host)] = true
	} else if host = bound.IP.String(); bound.IP.IsUnspecified() {
		host = outside()
	}
	if name, err := os.Hostname(); err == nil && !s.loopback {
		s.hosts[strings.ToLower(name)] = true
	}
	for _, h := range s.o.Hosts {
		s.hosts[strings.ToLower(h)] = true
	}
	s.shown = net.JoinHostPort(host, fmt.Sprint(bound.Port))
}

// outside is an address of this machine that others may reach, loopback if it
// has none.
func outside() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	best := "127.0.0.1"
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || !n.IP.IsGlobalUnicast() {
			continue
		}
		if n.IP.To4() != nil {
			return n.IP.String()
		}
		best = n.IP.String()
	}
	return best
}

// Address is the first page's address without any token, for locks and logs.
func (s *Server) Address() string { return "http://" + s.shown + "/" }

// URL is the first page's address, with the token if there is one.
func (s *Server) URL() string { return s.with(s.o.Token) }

// UserURL is the first page's address for one of Options.Users; ok is false if
// there is no such user.
func (s *Server) UserURL(name string) (address string, ok bool) {
	for _, u := range s.o.Users {
		if u.Name == name {
			return s.with(u.Token), true
		}
	}
	return "", false
}

func (s *Server) with(token string) string {
	if token == "" {
		return s.Address()
	}
	return s.Address() + "?" + url.Values{tokenParam: {token}}.Encode()
}

// CSRF is the token that pages must send back with every change, in the header
// X-CSRF-Token or, of a form, in the field "csrf". It is random for each server.
func (s *Server) CSRF() string { return s.csrf }

// Close gives the address up without serving.
func (s *Server) Close() error { return s.listener.Close() }

// Serve answers requests with h behind the checks of [Server.Handler] until ctx
// ends; requests then at work have Options.Grace to finish. It returns nil then.
func (s *Server) Serve(ctx context.Context, h http.Handler) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler:           s.Handler(h),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: s.o.HeaderTimeout,
		ReadTimeout:       s.o.ReadTimeout,
		IdleTimeout:       s.o.IdleTimeout, // writing: a deadline for each piece, see pacedWriter
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          s.o.Log,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		end, cancel := context.WithTimeout(base, s.o.Grace)
		defer cancel()
		err := srv.Shutdown(end)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close()
		}
		stopped <- err
	})
	err := srv.Serve(s.listener)
	if !stop() { // ctx has ended, or ends now: what Shutdown says is the result
		return <-stopped
	}
	return fmt.Errorf("webserve: %w", err)
}
