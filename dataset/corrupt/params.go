package corrupt

// Preset is a published set of parameters.
type Preset string

// The presets.
const (
	Auto      Preset = ""           // by size: the one whose side is nearer in ratio, CIFARC below 85 pixels
	ImageNetC Preset = "imagenet-c" // made for images of 224 pixels
	CIFARC    Preset = "cifar-c"    // made for images of 32 pixels
)

// side is the length that the preset's parameters are made for, in pixels.
func (p Preset) side() int {
	if p == CIFARC {
		return 32
	}
	return 224
}

// autoSide is the shorter side from which [Auto] is [ImageNetC]: the geometric
// mean of 32 and 224.
const autoSide = 85

// table holds the numbers of severities 1 to 5.
type table [5][]float64

// definition is one corruption.
type definition struct {
	name     string
	extra    bool // one of the four that the benchmark leaves out
	imagenet table
	cifar    table
	make     func(v []float64, s scene) (effect, error)
}

// definitions are all corruptions, in the order of the paper's tables. The
// numbers of a row are in the order of the authors' tuples.
func definitions() []definition {
	return append(append(noises(), blurs()...), append(append(weathers(), digitals()...), extras()...)...)
}

// one is a table of single numbers.
func one(a, b, c, d, e float64) table { return table{{a}, {b}, {c}, {d}, {e}} }

func noises() []definition {
	return []definition{
		{"gaussian_noise", false, one(.08, .12, .18, .26, .38), one(.04, .06, .08, .09, .10), gaussianNoise},
		{"shot_noise", false, one(60, 25, 12, 5, 3), one(500, 250, 100, 75, 50), shotNoise},
		{"impulse_noise", false, one(.03, .06, .09, .17, .27), one(.01, .02, .03, .05, .07), impulseNoise},
	}
}

func blurs() []definition {
	return []definition{
		{"defocus_blur", false, // radius, alias
			table{{3, .1}, {4, .5}, {6, .5}, {8, .5}, {10, .5}},
			table{{.3, .4}, {.4, .5}, {.5, .6}, {1, .2}, {1.5, .1}}, defocusBlur},
		{"glass_blur", false, // sigma, greatest shift, rounds
			table{{.7, 1, 2}, {.9, 2, 1}, {1, 2, 3}, {1.1, 3, 2}, {1.5, 4, 2}},
			table{{.05, 1, 1}, {.25, 1, 1}, {.4, 1, 1}, {.25, 1, 2}, {.4, 1, 2}}, glassBlur},
		{"motion_blur", false, // radius, sigma
			table{{10, 3}, {15, 5}, {15, 8}, {15, 12}, {20, 15}},
			table{{6, 1}, {6, 1.5}, {6, 2}, {8, 2}, {9, 2.5}}, motionBlur},
		{"zoom_blur", false, // step, count: factors 1, 1 + step, ..., as numpy.arange gives them
			table{{.01, 12}, {.01, 16}, {.02, 11}, {.02, 13}, {.03, 11}},
			table{{.01, 7}, {.01, 12}, {.01, 16}, {.01, 21}, {.01, 26}}, zoomBlur},
	}
}

func weathers() []definition {
	return []definition{
		{"snow", false, // mean, sd, zoom, threshold, blur radius, blur sigma, share of the image
			table{{.1, .3, 3, .5, 10, 4, .8}, {.2, .3, 2, .5, 12, 4, .7}, {.55, .3, 4, .9, 12, 8, .7}, {.55, .3, 4.5, .85, 12, 8, .65}, {.55, .3, 2.5, .85, 12, 12, .55}},
			table{{.1, .2, 1, .6, 8, 3, .95}, {.1, .2, 1, .5, 10, 4, .9}, {.15, .3, 1.75, .55, 10, 4, .9}, {.25, .3, 2.25, .6, 12, 6, .85}, {.3, .3, 1.25, .65, 14, 12, .8}}, snow},
		{"frost", false, // weight of the image, of the frost
			table{{1, .4}, {.8, .6}, {.7, .7}, {.65, .7}, {.6, .75}},
			table{{1, .2}, {1, .3}, {.9, .4}, {.85, .4}, {.75, .45}}, frost},
		{"fog", false, // height, decay
			table{{1.5, 2}, {2, 2}, {2.5, 1.7}, {2.5, 1.5}, {3, 1.4}},
			table{{.2, 3}, {.5, 3}, {.75, 2.5}, {1, 2}, {1.5, 1.75}}, fog},
		{"brightness", false, one(.1, .2, .3, .4, .5), one(.05, .1, .15, .2, .3), brightness},
	}
}

func digitals() []definition {
	const w, n = 244, 32 // 244 for 224 is the authors' slip; the files were made with it
	return []definition{
		{"contrast", false, one(.4, .3, .2, .1, .05), one(.75, .5, .4, .3, .15), contrast},
		{"elastic_transform", false, // height and sigma of the displacement, shift of the corners
			table{{w * 2, w * .7, w * .1}, {w * 2, w * .08, w * .2}, {w * .05, w * .01, w * .02}, {w * .07, w * .01, w * .02}, {w * .12, w * .01, w * .02}},
			table{{0, 0, n * .08}, {n * .05, n * .2, n * .07}, {n * .08, n * .06, n * .06}, {n * .1, n * .04, n * .05}, {n * .1, n * .03, n * .03}}, elastic},
		{"pixelate", false, one(.6, .5, .4, .3, .25), one(.95, .9, .85, .75, .65), pixelate},
		{"jpeg_compression", false, one(25, 18, 15, 10, 7), one(80, 65, 58, 50, 40), jpegCompression},
	}
}

func extras() []definition {
	return []definition{
		{"speckle_noise", true, one(.15, .2, .35, .45, .6), one(.06, .1, .12, .16, .2), speckleNoise},
		{"gaussian_blur", true, one(1, 2, 3, 4, 6), one(.4, .6, .7, .8, 1), gaussianBlur},
		{"spatter", true, // mean, sd, sigma, threshold, strength or sigma of mud, 1 for mud
			table{{.65, .3, 4, .69, .6, 0}, {.65, .3, 3, .68, .6, 0}, {.65, .3, 2, .68, .5, 0}, {.65, .3, 1, .65, 1.5, 1}, {.67, .4, 1, .65, 1.5, 1}},
			table{{.62, .1, .7, .7, .5, 0}, {.65, .1, .8, .7, .5, 0}, {.65, .3, 1, .69, .5, 0}, {.65, .1, .7, .69, .6, 1}, {.65, .1, .5, .68, .6, 1}}, spatter},
		{"saturate", true, // factor, offset
			table{{.3, 0}, {.1, 0}, {2, 0}, {5, .1}, {20, .2}},
			table{{.3, 0}, {.1, 0}, {1.5, 0}, {2, .1}, {2.5, .2}}, saturate},
	}
}
