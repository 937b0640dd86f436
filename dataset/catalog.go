package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Kind is one way to read data: what KIND in KIND:PATH?options stands for.
type Kind struct {
	Name    string
	Title   string       // one line: what it reads
	Splits  []Split      // those it knows, the default one first; nil: whatever the files say
	Options []OptionInfo // of its own, beside [CommonOptions]
	Known   []KnownSet   // published data that it reads
	// Open reads labels and metadata, not images. Options that it does not
	// list never reach it.
	Open func(ctx context.Context, r Request) (Dataset, error)
	// FindSplits are the splits that are there, for kinds whose files say;
	// nil where Splits says it all.
	FindSplits func(ctx context.Context, r Request) ([]Split, error)
	// Shift makes what the options corruption and severity ask for; nil where
	// images cannot be corrupted. A kind with options of these names of its own
	// never has it called.
	Shift func(r ShiftRequest) (Shift, error)
}

// OptionInfo describes an option to users.
type OptionInfo struct{ Name, Value, Help string }

// Request is what a [Kind] is asked to open.
type Request struct {
	Path    string
	Split   Split             // [SplitUnknown]: the kind's default
	Options map[string]string // the kind's own options that were given
}

// CommonOptions are the options that every kind has.
func CommonOptions() []OptionInfo {
	return []OptionInfo{
		{"split", "NAME", "which part of the data to read: train, validation, test"},
		{"resize", "N or HxW", "resize the shorter side to N pixels, or to height x width"},
		{"crop", "N or HxW", "keep the middle N x N pixels, or height x width"},
		{"filter", "NAME", "filter to resize with: bilinear (default), bicubic, box, lanczos"},
		{"channels", "NAME", "rgb, bgr or gray; default: as the data has"},
		{"scale", "X", "divide values 0 to 255 by X (default 255)"},
		{"mean", "X or X,X,X", "then subtract the mean, one number or one for each channel"},
		{"std", "X or X,X,X", "then divide by the standard deviation"},
		{"layout", "NAME", "nchw (default) or nhwc"},
		{"imbalance", "X", "a long-tailed training set: the last class keeps 1/X of its examples"},
		{"limit", "N", "at most N examples, evenly spread over the data"},
		{"corruption", "NAME", "corrupt the images as the model gets them: fog, snow, motion_blur, ... (lethe corrupt --help)"},
		{"severity", "1 to 5", "how strongly; goes with corruption"},
		{"corruption-preset", "NAME", "whose parameters: imagenet-c or cifar-c (default: by the size of images)"},
		{"corruption-seed", "N", "another seed gives other noise (default 0)"},
	}
}

// Catalog lists the kinds a program knows.
type Catalog []Kind

// Kind is the kind of a name.
func (c Catalog) Kind(name string) (*Kind, error) {
	for i := range c {
		if c[i].Name == name {
			return &c[i], nil
		}
	}
	return nil, fmt.Errorf("kind %q%s", name, Suggestion(name, c.names()))
}

func (c Catalog) names() []string {
	var out []string
	for _, k := range c {
		out = append(out, k.Name)
	}
	return out
}

// Known is the published data set of a name and the kind that reads it.
func (c Catalog) Known(name string) (*KnownSet, *Kind, error) {
	var names []string
	for i := range c {
		for j := range c[i].Known {
			if s := &c[i].Known[j]; s.Name == name {
				return s, &c[i], nil
			}
			names = append(names, c[i].Known[j].Name)
		}
	}
	return nil, nil, fmt.Errorf("dataset: %q is no known data set%s", name, Suggestion(name, names))
}

// Opened is a data source that is ready to be read.
type Opened struct {
	Source     Source
	Kind       *Kind
	Dataset    Dataset    // the caller closes it
	Preprocess Preprocess // as the options say
	Notes      []string   // what was left out or assumed
}

// Open opens a data source. Errors about what was written are a
// [*SourceError] and name the nearest thing there is.
func (c Catalog) Open(ctx context.Context, source string) (*Opened, error) {
	src, err := ParseSource(source)
	if err != nil {
		return nil, err
	}
	wrong := func(err error) error { return &SourceError{Source: source, Err: err} }
	kind, err := c.Kind(src.Kind)
	if err != nil {
		return nil, wrong(err)
	}
	req, set, err := kind.settings(src)
	if err != nil {
		return nil, wrong(err)
	}
	d, err := kind.Open(ctx, req)
	if err != nil {
		return nil, kind.explain(src, err)
	}
	if d.Len() == 0 {
		return nil, errors.Join(fmt.Errorf("%s: there are no examples of split %q in %s", kind.Name, req.Split, src.Path), d.Close())
	}
	out := &Opened{Source: src, Kind: kind, Dataset: d, Preprocess: set.preprocess, Notes: NotesOf(d)}
	if err := out.narrow(set); err != nil {
		return nil, errors.Join(wrong(err), d.Close())
	}
	if err := out.distort(set); err != nil {
		return nil, errors.Join(wrong(err), d.Close())
	}
	return out, nil
}

// explain adds what could help to an error about files that are not there.
func (k *Kind) explain(src Source, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, s := range k.Known {
		switch {
		case len(s.Downloads) > 0:
			return fmt.Errorf("%w\n(lethe data fetch %s -o %s gets the data; lethe data list %s says how to place files by hand)", err, s.Name, src.Path, k.Name)
		case s.Manual != "":
			return fmt.Errorf("%w\n(lethe data list %s says where the data comes from and how to place the files)", err, k.Name)
		}
	}
	return err
}

// settings are a source's options, read.
type settings struct {
	preprocess Preprocess
	imbalance  float64 // 0: none
	limit      int     // 0: none
	shift      ShiftRequest
}

// settings checks and reads the options of src.
func (k *Kind) settings(src Source) (Request, settings, error) {
	req := Request{Path: src.Path, Options: map[string]string{}}
	set := settings{preprocess: DefaultPreprocess()}
	var known []string
	own := map[string]bool{}
	for _, o := range k.Options {
		known, own[o.Name] = append(known, o.Name), true
	}
	for _, o := range CommonOptions() {
		known = append(known, o.Name)
	}
	for _, o := range src.Options {
		if own[o.Name] {
			req.Options[o.Name] = o.Value
			continue
		}
		ok, err := set.read(&req, o)
		if err != nil {
			return req, set, err
		}
		if !ok {
			return req, set, fmt.Errorf("option %q%s", o.Name, Suggestion(o.Name, known))
		}
	}
	if err := k.checkSplit(req.Split); err != nil {
		return req, set, err
	}
	if _, err := k.makeShift(set.shift); err != nil {
		return req, set, err
	}
	if req.Split == SplitUnknown && len(k.Splits) > 0 {
		req.Split = k.Splits[0]
	}
	return req, set, set.preprocess.Validate()
}

func (k *Kind) checkSplit(s Split) error {
	if s == SplitUnknown || len(k.Splits) == 0 {
		return nil
	}
	var names []string
	for _, have := range k.Splits {
		if have == s {
			return nil
		}
		names = append(names, string(have))
	}
	return fmt.Errorf("split %q%s", string(s), Suggestion(string(s), names))
}

// read reads a common option; ok is false for a name that is none.
func (s *settings) read(req *Request, o Option) (ok bool, err error) {
	p := &s.preprocess
	switch o.Name {
	case "split":
		req.Split, err = parseSplit(o.Value)
	case "resize":
		p.Resize, err = parseSize(o, false)
	case "crop":
		p.Crop, err = parseSize(o, true)
	case "filter":
		p.Filter = Filter(o.Value)
	case "channels":
		p.Channels = Channels(o.Value)
	case "scale":
		p.Scale, err = parseFloat(o)
	case "mean":
		p.Mean, err = parseFloats(o)
	case "std":
		p.Std, err = parseFloats(o)
	case "layout":
		p.Layout = Layout(o.Value)
	case "imbalance":
		if s.imbalance, err = parseFloat(o); err == nil && !(s.imbalance >= 1 && s.imbalance <= 1e9) {
			err = errOption(o.Name, o.Value, "a number from 1, such as 100")
		}
	case "limit":
		if s.limit, err = strconv.Atoi(o.Value); err != nil || s.limit < 1 {
			err = errOption(o.Name, o.Value, "a whole number of examples")
		}
	default:
		return s.readShift(o)
	}
	return true, err
}

func parseSplit(s string) (Split, error) {
	if s == "" {
		return "", errors.New("split=: want train, validation or test")
	}
	if usual := SplitNamed(s); usual != SplitUnknown {
		return usual, nil
	}
	return Split(s), nil
}

// parseSize reads "224" or "224x192", height first. A single number is a
// square, or else the shorter side.
func parseSize(o Option, square bool) (Size, error) {
	h, w, both := strings.Cut(o.Value, "x")
	height, err := strconv.Atoi(h)
	width := 0
	if both && err == nil {
		width, err = strconv.Atoi(w)
	} else if square {
		width = height
	}
	if err != nil || height < 1 || height > maxSide || width > maxSide || both && width < 1 {
		return Size{}, errOption(o.Name, o.Value, fmt.Sprintf("pixels, from 1 to %d, such as 224, or height x width, such as 224x192", maxSide))
	}
	return Size{height, width}, nil
}

func parseFloat(o Option) (float64, error) {
	v, err := strconv.ParseFloat(o.Value, 64)
	if err != nil {
		return 0, errOption(o.Name, o.Value, "a number")
	}
	return v, nil
}

func parseFloats(o Option) ([]float64, error) {
	var out []float64
	for _, s := range strings.Split(o.Value, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return nil, errOption(o.Name, o.Value, "a number, or one for each channel, such as 0.485,0.456,0.406")
		}
		out = append(out, v)
	}
	if len(out) != 1 && len(out) != 3 {
		return nil, errOption(o.Name, o.Value, "one number or three")
	}
	return out, nil
}
