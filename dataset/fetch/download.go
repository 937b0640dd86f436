package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/lethe-audit/lethe/dataset"
)

// StatusError is an answer other than the file.
type StatusError struct {
	URL  string
	Code int
}

// Error names the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: the server says %d %s", e.URL, e.Code, http.StatusText(e.Code))
}

// passing reports whether the same request may succeed later.
func (e *StatusError) passing() bool {
	return e.Code >= 500 || e.Code == http.StatusTooManyRequests || e.Code == http.StatusRequestTimeout
}

// mayPass reports whether it is worth to try again: not after an answer that
// stands, nor when the disk is full.
func mayPass(err error) bool {
	var s *StatusError
	var disk *fs.PathError
	return !(errors.As(err, &s) && !s.passing()) && !errors.As(err, &disk)
}

var errStalled = errors.New("no data arrives")

// download gets a file into part, going on from what is there, and checks it.
// If that fails after going on, the old beginning may be to blame: it starts
// once more from nothing.
func download(ctx context.Context, url, part string, d *dataset.Download, o Options) error {
	resumed := false
	if info, err := os.Stat(part); err == nil && info.Size() > 0 {
		resumed = true
	}
	for {
		if err := complete(ctx, url, part, d, o); err != nil {
			return err
		}
		err := verify(ctx, part, d.Digest)
		var m *Mismatch
		if !errors.As(err, &m) {
			return err
		}
		if err := os.Remove(part); err != nil {
			return err
		}
		if !resumed {
			return fmt.Errorf("%s: %w", url, m)
		}
		resumed = false
	}
}

// complete asks for the rest of a file until it is all there.
func complete(ctx context.Context, url, part string, d *dataset.Download, o Options) error {
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()  // for errors; a successful end closes below
	most := int64(0) // bytes ever had: a start from nothing is no gain
	first := true
	for failures := 0; ; {
		before, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if before == d.Bytes {
			return f.Close()
		}
		err = request(ctx, f, before, url, d, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		after, serr := f.Seek(0, io.SeekEnd)
		if serr != nil {
			return serr
		}
		if err == nil && after == d.Bytes {
			return f.Close()
		}
		if err == nil {
			err = fmt.Errorf("%s: the file has %d bytes, want %d", url, after, d.Bytes)
		}
		var dial *net.OpError
		if !mayPass(err) || first && errors.As(err, &dial) && dial.Op == "dial" {
			return err // no network, no such host: said at once
		}
		first = false
		if after > max(most, before) {
			failures = 0
		}
		most = max(most, before, after)
		if failures++; failures > o.Retries {
			return err
		}
		if err := pause(ctx, o.Wait<<(failures-1)); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// request makes one request for the bytes from at on and appends what comes.
func request(ctx context.Context, f *os.File, at int64, url string, d *dataset.Download, o Options) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(o.Stall, func() { cancel(errStalled) })
	defer stall.Stop()
	if at > d.Bytes {
		at = 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// The bytes as stored: no compression on the way.
	req.Header.Set("Accept-Encoding", "identity")
	if at > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	}
	resp, err := o.Client.Do(req)
	if err != nil {
		return cause(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusPartialContent && at > 0:
		var first int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &first); err != nil || first != at {
			return errors.Join(fmt.Errorf("%s: asked for byte %d on, the server sends %q", url, at, resp.Header.Get("Content-Range")), f.Truncate(0))
		}
	case resp.StatusCode == http.StatusOK:
		at = 0 // the whole file, asked for or not
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return errors.Join(fmt.Errorf("%s: the server has no byte %d", url, at), f.Truncate(0))
	default:
		return &StatusError{url, resp.StatusCode}
	}
	if err := f.Truncate(at); err != nil {
		return err
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return err
	}
	body := &counter{ctx: ctx, r: io.LimitReader(resp.Body, d.Bytes-at), done: at, of: d.Bytes, name: d.Name}
	body.report = func(name string, done, total int64) {
		stall.Reset(o.Stall)
		if o.Progress != nil {
			o.Progress(name, done, total)
		}
	}
	_, err = io.Copy(f, body)
	return cause(ctx, err)
}

// cause puts the reason of a cancellation in place of its symptom.
func cause(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}
