package dataset

// ClassSubsetter is implemented by data sets whose examples are, by design, of
// some of their classes only, such as ImageNet-A with 200 of ImageNet's 1,000:
// models are to choose among these.
type ClassSubsetter interface {
	// ClassSubset are these classes, in ascending order; nil for all classes.
	ClassSubset() []Label
}

// ClassSubset are the classes that a model is to choose among for the examples
// of d, in ascending order; nil for all of them.
func ClassSubset(d Dataset) []Label {
	if s, ok := d.(ClassSubsetter); ok {
		return s.ClassSubset()
	}
	return nil
}

// ClassSubset is that of the data selected from.
func (s *selection) ClassSubset() []Label { return ClassSubset(s.Dataset) }

// ClassSubset is that of the data before the shift.
func (s *shifted) ClassSubset() []Label { return ClassSubset(s.Dataset) }

// ClassSubset are the classes given in [FileSet.ClassSubset].
func (l *FileList) ClassSubset() []Label { return l.subset }
