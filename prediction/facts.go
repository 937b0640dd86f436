package prediction

// VariantFacts are what the model files of a variant hold, as a directory of
// predictions tells it.
type VariantFacts struct {
	Name  string
	Kind  Kind
	Facts []*ModelFacts // by member; nil where the model file was not at hand
}

// ReadFacts reads what a directory of predictions says about the models, without
// reading a prediction. Variants are in order, the baseline first.
func ReadFacts(dir string) ([]VariantFacts, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	out := make([]VariantFacts, len(m.Variants))
	for i, v := range m.Variants {
		out[i] = VariantFacts{Name: v.Name, Kind: v.Kind}
		for _, k := range v.Members {
			out[i].Facts = append(out[i].Facts, k.Facts)
		}
	}
	return out, nil
}
