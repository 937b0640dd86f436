package zoo

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/onnx"
)

// Config says what a network is built for.
type Config struct {
	Classes  int    // outputs, at least 2
	Size     int    // height and width of the input in pixels
	Channels int    // of the input: 3 or 1, or more
	Seed     uint64 // of the initial weights
}

// Architecture describes a network that [Build] knows.
type Architecture struct {
	Name    string
	Title   string // one line: what it is and where it comes from
	Size    int    // the input size of its source, in pixels
	Classes int    // the classes of its source
	MinSize int    // the smallest input that leaves a pixel at the end
	build   func(b *builder)
}

// Config is the configuration of the network's source: its input size and its
// classes, three channels, seed 0.
func (a Architecture) Config() Config { return Config{Classes: a.Classes, Size: a.Size, Channels: 3} }

// ErrConfig is the reason of errors about a [Config] that a network cannot be
// built for.
var ErrConfig = errors.New("zoo: invalid configuration")

// NameError says that there is no network of a name.
type NameError struct {
	Name  string
	Known []string
}

// Error lists the names.
func (e *NameError) Error() string {
	return fmt.Sprintf("zoo: there is no network %q; there are %s, and wrn-D-K for any depth D = 6n + 4 and width K", e.Name, strings.Join(e.Known, ", "))
}

// Architectures lists the networks, small ones first. Of the wide residual
// networks, which are a family, it lists three.
func Architectures() []Architecture {
	return []Architecture{
		{Name: "cnn-small", Title: "three 3x3 convolutions of 32, 64 and 128 channels with batch normalization", Size: 32, Classes: 10, MinSize: 4, build: cnnSmall},
		{Name: "resnet8", Title: "MLPerf Tiny's image classification network (Banbury et al. 2021)", Size: 32, Classes: 10, MinSize: 4, build: resnet8},
		{Name: "resnet20", Title: "residual network for CIFAR-10 (He et al. 2016, section 4.2)", Size: 32, Classes: 10, MinSize: 4, build: resnet20},
		wide(16, 2), wide(16, 4), wide(28, 10),
		{Name: "mobilenet-v2", Title: "inverted residuals and linear bottlenecks (Sandler et al. 2018)", Size: 224, Classes: 1000, MinSize: 32, build: mobileNetV2},
		{Name: "resnet18", Title: "residual network for ImageNet (He et al. 2016)", Size: 224, Classes: 1000, MinSize: 32, build: resnet18},
		{Name: "resnet50", Title: "residual network for ImageNet (He et al. 2016), stride on the 3x3 convolution (v1.5)", Size: 224, Classes: 1000, MinSize: 32, build: resnet50},
	}
}

// Names lists the names of [Architectures].
func Names() []string {
	var out []string
	for _, a := range Architectures() {
		out = append(out, a.Name)
	}
	return out
}

// Find is the architecture of a name: one of [Names], or wrn-D-K for other
// depths and widths. The error is a [*NameError] or about D and K.
func Find(name string) (Architecture, error) {
	list := Architectures()
	if i := slices.IndexFunc(list, func(a Architecture) bool { return a.Name == name }); i >= 0 {
		return list[i], nil
	}
	m := regexp.MustCompile(`^wrn-(\d{1,4})-(\d{1,3})$`).FindStringSubmatch(name)
	if m == nil {
		return Architecture{}, &NameError{Name: name, Known: Names()}
	}
	depth, _ := strconv.Atoi(m[1]) // digits, by the pattern
	width, _ := strconv.Atoi(m[2])
	if depth < 10 || depth > maxDepth || depth%6 != 4 || width < 1 || width > maxWidth {
		return Architecture{}, fmt.Errorf("%w: %s: want a depth of 10, 16, 22, ... to %d and a width of 1 to %d", ErrConfig, name, maxDepth, maxWidth)
	}
	return wide(depth, width), nil
}

// The largest wide residual network: 1,000 layers have been trained, and no
// published one is wider than 20.
const maxDepth, maxWidth = 1000, 32

// maxSize bounds the input: 1024 pixels are more than any of these networks
// was made for.
const maxSize, maxChannels, maxClasses = 1024, 64, 1 << 20

// Build writes the network of a name (see [Find]).
func Build(name string, c Config) (*onnx.Model, error) {
	a, err := Find(name)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Classes < 2 || c.Classes > maxClasses:
		return nil, fmt.Errorf("%w: %s: %d classes, want 2 to %d", ErrConfig, name, c.Classes, maxClasses)
	case c.Size < a.MinSize || c.Size > maxSize:
		return nil, fmt.Errorf("%w: %s: images of %d pixels, want %d to %d", ErrConfig, name, c.Size, a.MinSize, maxSize)
	case c.Channels < 1 || c.Channels > maxChannels:
		return nil, fmt.Errorf("%w: %s: %d channels, want 1 to %d", ErrConfig, name, c.Channels, maxChannels)
	}
	b := newBuilder(name, c)
	a.build(b)
	return b.model()
}
