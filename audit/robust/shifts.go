package robust

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// group are the severities of one corruption, or one natural shift.
type group struct {
	index   int
	name    string
	members []*prediction.Shifted // by severity
	at      []int                 // their numbers in the table
	answers []*answers            // nil until they are needed, and again after
	paired  bool
	ref     reference
	all     *answers // among all classes, where ref asks for them
}

// groupsOf puts severities of one corruption together, in the order of the shifts.
func groupsOf(shifts []prediction.Shifted) []group {
	var out []group
	for i := range shifts {
		s := &shifts[i]
		at := slices.IndexFunc(out, func(g group) bool { return g.name == s.Shift.Group() && g.paired == s.Shift.Paired })
		if at < 0 {
			at = len(out)
			out = append(out, group{index: at, name: s.Shift.Group(), paired: s.Shift.Paired})
		}
		g := &out[at]
		g.members, g.at = append(g.members, s), append(g.at, i)
	}
	for i := range out {
		g := &out[i]
		order := make([]int, len(g.members))
		for j := range order {
			order[j] = j
		}
		slices.SortStableFunc(order, func(a, b int) int { return g.members[a].Shift.Severity - g.members[b].Shift.Severity })
		members, at := g.members, g.at
		g.members, g.at = nil, nil
		for _, j := range order {
			g.members, g.at = append(g.members, members[j]), append(g.at, at[j])
		}
	}
	return out
}

func (g *group) load() {
	if g.answers != nil {
		return
	}
	for _, m := range g.members {
		g.answers = append(g.answers, newAnswers(m.Table))
	}
}

// families are the kinds of corruptions of Hendrycks and Dietterich (2019); the
// last of each is one of the four extra ones.
func families() []struct {
	name        string
	corruptions []string
} {
	return []struct {
		name        string
		corruptions []string
	}{
		{"noise", []string{"gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"}},
		{"blur", []string{"defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "gaussian_blur"}},
		{"weather", []string{"snow", "frost", "fog", "brightness", "spatter"}},
		{"digital", []string{"contrast", "elastic_transform", "pixelate", "jpeg_compression", "saturate"}},
	}
}

// benchmark is one of the two sets of corruptions that results are quoted for.
type benchmark struct {
	name   string
	groups []int // that are present
}

// benchmarks are the 15 common corruptions and all 19, as far as they are present;
// each is named with how many of it are.
func benchmarks(groups []group) []benchmark {
	var common, all []int
	for i := range groups {
		for _, f := range families() {
			at := slices.Index(f.corruptions, groups[i].name)
			if at < 0 || !groups[i].paired {
				continue
			}
			all = append(all, i)
			if at < len(f.corruptions)-1 {
				common = append(common, i)
			}
		}
	}
	named := func(present, size int, what string) string {
		if present == size {
			return fmt.Sprintf("the %d %s", size, what)
		}
		return fmt.Sprintf("%d of the %d %s", present, size, what)
	}
	var out []benchmark
	if len(common) > 0 {
		out = append(out, benchmark{named(len(common), 15, "common corruptions"), common})
	}
	if len(all) > len(common) {
		out = append(out, benchmark{named(len(all), 19, "corruptions"), all})
	}
	return out
}

// atFloor reports whether the shift's images were chosen because a ResNet-50
// fails on them.
func atFloor(s *prediction.Shift) bool {
	fold := func(name string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	}
	return fold(s.Name) == "imageneta" || fold(s.Benchmark) == "imageneta"
}
