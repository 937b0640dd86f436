package power

// Noncentrality is the true effect, in standard errors, at which a two-sided
// t-test with dof degrees of freedom reaches the power. Times the standard error
// of an estimate it is the minimum detectable effect of a test already made.
func Noncentrality(dof, alpha, power float64) (float64, error) {
	if err := checkTarget(alpha, power); err != nil {
		return 0, err
	}
	if !(dof > 0) {
		return 0, ErrTooFew
	}
	return noncentrality(dof, alpha, power), nil
}
