package imagenet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lethe-audit/lethe/dataset"
)

// severities is how many folders of ImageNet-C a corruption has.
const severities = 5

// CorruptedKind is the kind imagenetc: ImageNet-C (Hendrycks and Dietterich
// 2019) as it is distributed, DIR/CORRUPTION/SEVERITY/WNID/*.JPEG, or with the
// archives' own folders (blur, noise, ...) above. Ids are file names, those of
// the clean validation set, so that predictions pair.
func CorruptedKind() dataset.Kind {
	return dataset.Kind{
		Name: "imagenetc", Title: "ImageNet-C: the ImageNet validation set corrupted, DIR/fog/3/n01440764/*",
		Splits: []dataset.Split{dataset.SplitValidation},
		Options: []dataset.OptionInfo{
			{Name: "corruption", Value: "NAME", Help: "the folder: fog, snow, motion_blur, ..."},
			{Name: "severity", Value: "1 to 5", Help: "the folder below it"},
			{Name: "synsets", Value: "FILE or DIR", Help: "WordNet ids of the classes, a line each, or the folder of ImageNet (default: the folders there are)"},
		},
		Known: []dataset.KnownSet{{
			Name: "imagenet-c", Title: "ImageNet-C", Page: "https://zenodo.org/records/2235448",
			Terms: "Creative Commons Attribution 4.0", Source: "imagenetc:DIR?corruption=fog&severity=3",
			Manual: `Download blur.tar, digital.tar, noise.tar, weather.tar (and extra.tar) from the
page above, then for each of them
  tar -xf blur.tar -C DIR`,
		}},
		Open: openCorrupted,
	}
}

// groups are the archives that ImageNet-C comes in.
func groups() []string { return []string{"blur", "digital", "extra", "noise", "weather"} }

func openCorrupted(ctx context.Context, r dataset.Request) (dataset.Dataset, error) {
	name, level := r.Options["corruption"], r.Options["severity"]
	if name == "" || level == "" {
		return nil, errors.New("imagenetc: which part is meant? want ?corruption=fog&severity=3")
	}
	if s, err := strconv.Atoi(level); err != nil || s < 1 || s > severities {
		return nil, fmt.Errorf("imagenetc: severity=%s: want a whole number from 1 (least) to %d", level, severities)
	}
	there, err := corruptionFolders(r.Path)
	if err != nil {
		return nil, err
	}
	dir, ok := there[name]
	if !ok {
		var names []string
		for n := range there {
			names = append(names, n)
		}
		slices.Sort(names)
		if len(names) == 0 {
			return nil, &dataset.NotThere{Path: r.Path, Want: "fog/3/n01440764/... (folders of corruptions, severities and classes)"}
		}
		return nil, fmt.Errorf("corruption %q%s", name, dataset.Suggestion(name, names))
	}
	l := &location{root: r.Path, val: filepath.Join(dir, level)}
	if holds(l.val) != classFolders {
		return nil, &dataset.NotThere{Path: l.val, Want: "a folder for each class, by WordNet id"}
	}
	set := dataset.FileSet{Name: fmt.Sprintf("imagenet %s:%s", name, level), Root: l.val}
	if err := readFolders(ctx, l, r.Options, dataset.SplitValidation, &set); err != nil {
		return nil, err
	}
	return dataset.NewFileList(set)
}

// corruptionFolders are the folders of corruptions by name: those that hold
// a folder of a severity.
func corruptionFolders(root string) (map[string]string, error) {
	out := map[string]string{}
	for i, base := range append([]string{""}, groups()...) {
		entries, err := dataset.ReadFolder(filepath.Join(root, base))
		if err != nil {
			if i > 0 {
				continue // the archives of this group were not unpacked into a folder
			}
			return nil, err
		}
		for _, e := range entries {
			dir := filepath.Join(root, base, e.Name)
			for s := 1; e.Dir && s <= severities; s++ {
				if holds(filepath.Join(dir, strconv.Itoa(s))) == classFolders {
					out[e.Name] = dir
				}
			}
		}
	}
	return out, nil
}
