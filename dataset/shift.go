package dataset

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// Shift changes pictures as a model would meet them outside: a corruption at
// a severity. It may be used from several goroutines at once.
type Shift interface {
	// String names it: "fog:3".
	String() string
	// Apply is the picture changed; what it is given stays as it is. The
	// result depends on the id and the picture only.
	Apply(id ExampleID, im *Image) (*Image, error)
}

// ShiftRequest is what a source's options say about a [Shift].
type ShiftRequest struct {
	Corruption string // the name
	Severity   int    // from 1
	Preset     string // whose parameters; "": by the size of images
	Seed       uint64
}

// Shifted is d with every picture resized and cropped as p says and then
// changed by s. Its name is that of d and of s.
func Shifted(d Dataset, p Preprocess, s Shift) (Dataset, error) {
	fit := DefaultPreprocess()
	fit.Resize, fit.Crop, fit.Filter = p.Resize, p.Crop, p.Filter
	if err := fit.Validate(); err != nil {
		return nil, err
	}
	return &shifted{Dataset: d, fit: fit, shift: s}, nil
}

type shifted struct {
	Dataset
	fit   Preprocess
	shift Shift
	free  sync.Pool // of *Preprocessor
}

// Corrupted reports whether the pictures of d are changed by a [Shift]. A data
// set that wraps another one says it by a method of this name.
func Corrupted(d Dataset) bool {
	c, ok := d.(interface{ Corrupted() bool })
	return ok && c.Corrupted()
}

// Corrupted says that the pictures are changed.
func (s *shifted) Corrupted() bool { return true }

func (s *shifted) Name() string    { return s.Dataset.Name() + " " + s.shift.String() }
func (s *shifted) Notes() []string { return NotesOf(s.Dataset) }

func (s *shifted) Image(ctx context.Context, i int) (*Image, error) {
	im, err := s.Dataset.Image(ctx, i)
	if err != nil {
		return nil, err
	}
	pp, ok := s.free.Get().(*Preprocessor)
	if !ok {
		if pp, err = NewPreprocessor(s.fit); err != nil {
			return nil, err
		}
	}
	defer s.free.Put(pp)
	id := s.Dataset.Example(i).ID
	if im, err = pp.Fit(im); err != nil {
		return nil, blame(id, "", err)
	}
	return s.shift.Apply(id, im)
}

// readShift reads an option about a shift; ok is false for a name that is
// none.
func (s *settings) readShift(o Option) (ok bool, err error) {
	switch o.Name {
	case "corruption":
		s.shift.Corruption = o.Value
		if o.Value == "" {
			err = errOption(o.Name, o.Value, "the name of a corruption, such as fog")
		}
	case "severity":
		if s.shift.Severity, err = strconv.Atoi(o.Value); err != nil || s.shift.Severity < 1 {
			err = errOption(o.Name, o.Value, "a whole number from 1 (least) to 5")
		}
	case "corruption-preset":
		s.shift.Preset = o.Value
	case "corruption-seed":
		if s.shift.Seed, err = strconv.ParseUint(o.Value, 10, 64); err != nil {
			err = errOption(o.Name, o.Value, "a whole number from 0")
		}
	default:
		return false, nil
	}
	return true, err
}

// makeShift is the shift that the options ask for; nil for none.
func (k *Kind) makeShift(r ShiftRequest) (Shift, error) {
	switch {
	case r == ShiftRequest{}:
		return nil, nil
	case r.Corruption == "":
		return nil, errors.New("severity and corruption options need corruption=NAME, such as corruption=fog")
	case r.Severity == 0:
		return nil, fmt.Errorf("corruption=%s needs severity=1 (least) to 5", r.Corruption)
	case k.Shift == nil:
		return nil, fmt.Errorf("corruption=%s: images of kind %s cannot be corrupted here", r.Corruption, k.Name)
	}
	return k.Shift(r)
}

// distort puts the corruption that was asked for between size and numbers:
// images of the opened data are then resized and cropped already.
func (o *Opened) distort(s settings) error {
	shift, err := o.Kind.makeShift(s.shift)
	if shift == nil || err != nil {
		return err
	}
	if o.Dataset, err = Shifted(o.Dataset, o.Preprocess, shift); err != nil {
		return err
	}
	o.Preprocess.Resize, o.Preprocess.Crop = Size{}, Size{}
	o.Notes = append(o.Notes, fmt.Sprintf("corruption %s, seed %d, of the images as the model gets them: after resize and crop", shift, s.shift.Seed))
	return nil
}
