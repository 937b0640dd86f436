package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/evidence"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/spf13/cobra"
)

// writeEvidence adds evidence.json, which names every other file of the audit.
func (a *app) writeEvidence(t *prediction.Table, dir string) error {
	executable := ""
	if name, err := os.Executable(); err == nil {
		if executable, _, err = evidence.DigestFile(name); err != nil {
			executable = "" // a program that cannot read itself is no reason to fail
		}
	}
	m, err := evidence.NewManifest(dir, executable, func(variant, member string) (string, string) {
		for _, v := range t.Variants {
			for _, x := range v.Members {
				if v.Name == variant && x.Name == member && x.Facts != nil {
					return x.Facts.Digest, x.Facts.WeightsDigest
				}
			}
		}
		return "", ""
	})
	if err != nil {
		return err
	}
	return m.Write(dir)
}

func (a *app) newVerify() *cobra.Command {
	var asJSON bool
	var digest string
	c := &cobra.Command{
		Use:   "verify DIR [FILE...]",
		Short: "Check an audit's files, inputs and models against its manifest",
		Long: `Verify checks the audit directory DIR against its evidence.json: the SHA-256 of
every file, no file beside them, the digests of the predictions that were
audited, and every input that is still where it was read. Each FILE (a model or
an input that you hold) must be one that the audit names.

Whoever can change the audit can change evidence.json too. Keep its digest, which
verify prints, elsewhere and give it as --digest.
` + exitHelp,
		Example: `  lethe verify audit
  lethe verify audit model-int8.onnx
  lethe verify audit --digest sha256:...`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			return a.runVerify(c, list[0], list[1:], digest, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&digest, "digest", "", "the digest that evidence.json must have, `sha256:...`")
	return c
}

func (a *app) runVerify(c *cobra.Command, dir string, files []string, digest string, asJSON bool) error {
	m, err := evidence.ReadManifest(dir)
	if err != nil {
		return err
	}
	done := a.step("checking digests")
	checked, err := a.verified(c, m, dir, files)
	done()
	if err != nil {
		return err
	}
	own, _, err := evidence.DigestFile(filepath.Join(dir, evidence.ManifestName))
	if err != nil {
		return err
	}
	if digest != "" && digest != own {
		checked = append(checked, evidence.Checked{What: "manifest", Name: evidence.ManifestName, Status: evidence.Differs, Want: digest, Got: own})
	}
	bad := 0
	for i := range checked {
		if checked[i].Bad() {
			bad++
		}
	}
	if asJSON {
		err = json.NewEncoder(a.io.Out).Encode(struct {
			Digest  string             `json:"digest"`
			Bad     int                `json:"bad"`
			Checked []evidence.Checked `json:"checked"`
		}{own, bad, checked})
	} else {
		err = a.printVerified(checked, bad, own)
	}
	if err == nil && bad > 0 {
		err = fmt.Errorf("%s: %s not what the audit was made of", dir, num.Plural(bad, "thing is", "things are"))
	}
	return err
}

// verified checks everything that a manifest names.
func (a *app) verified(c *cobra.Command, m *evidence.Manifest, dir string, files []string) ([]evidence.Checked, error) {
	checked, err := m.Verify(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		x, err := m.VerifyGiven(f)
		if err != nil {
			return nil, err
		}
		checked = append(checked, x)
	}
	predictions := filepath.Join(dir, predictionsDir)
	if prediction.IsDir(predictions) {
		x := evidence.Checked{What: "predictions", Name: predictionsDir, Status: evidence.Matches}
		if err := prediction.Verify(c.Context(), predictions); err != nil {
			if errors.Is(err, c.Context().Err()) {
				return nil, err
			}
			x.Status, x.Got = evidence.Differs, err.Error()
		}
		checked = append(checked, x)
	}
	return checked, nil
}

// printVerified lists what does not match, then counts.
func (a *app) printVerified(checked []evidence.Checked, bad int, digest string) error {
	absent := 0
	for i := range checked {
		x := &checked[i]
		if x.Status == evidence.Absent {
			absent++
		}
		if x.Status == evidence.Matches {
			continue
		}
		if _, err := fmt.Fprintf(a.io.Out, "%-11s %s %s\n", x.Status, x.What, x.Name); err != nil {
			return err
		}
		if x.Bad() && x.Want+x.Got != "" {
			if _, err := fmt.Fprintf(a.io.Out, "            want %s\n            got  %s\n", orNone(x.Want), orNone(x.Got)); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(a.io.Out, "%d match, %d not at hand, %d do not match\n%s %s\n", len(checked)-bad-absent, absent, bad, evidence.ManifestName, digest)
	return err
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
