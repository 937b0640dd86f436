package main

// epilogue is where the fused activations are generated.
type epilogue struct {
	args string // the struct that DI points to
	done string // label to go on at; also makes the other labels unique
	accs int    // values are in registers 0 to accs-1
	free int    // this register and the three after it are free
}

// activation applies the activation that args.act names; it uses AX. A maximum
// or minimum returns its second operand, which the Go assembler writes first,
// where one is NaN: so the value comes first.
func (u *unit) activation(s x86, e epilogue) {
	clip, leaky := e.done+"Clip", e.done+"Leaky"
	u.p("MOVQ %s_act(DI), AX", e.args)
	u.p("CMPQ AX, $const_ActClip")
	u.p("JLT %s", e.done)
	u.p("JEQ %s", clip)
	u.p("CMPQ AX, $const_ActLeaky")
	u.p("JEQ %s", leaky)
	u.hardSwish(s, e)
	u.p("JMP %s", e.done)
	u.label(leaky)
	u.leaky(s, e)
	u.p("JMP %s", e.done)
	u.label(clip)
	lo, hi := s.v(e.free), s.v(e.free+1)
	u.p("VBROADCASTSS %s_lo(DI), %s", e.args, lo)
	u.p("VBROADCASTSS %s_hi(DI), %s", e.args, hi)
	for i := range e.accs {
		x := s.v(i)
		u.p("VMAXPS %s, %s, %s; VMINPS %s, %s, %s", x, lo, x, x, hi, x)
	}
}

// hardSwish is x·min(max(alpha·x + beta, 0), 1).
func (u *unit) hardSwish(s x86, e epilogue) {
	t, beta, zero, one := s.v(e.free), s.v(e.free+1), s.v(e.free+2), s.v(e.free+3)
	s.zero(u, e.free+2)
	u.p("VBROADCASTSS %s_beta(DI), %s", e.args, beta)
	u.p("VBROADCASTSS %s, %s", u.consts.float(1), one)
	for i := range e.accs {
		x := s.v(i)
		u.p("VBROADCASTSS %s_alpha(DI), %s; VFMADD213PS %s, %s, %s", e.args, t, beta, x, t)
		u.p("VMAXPS %s, %s, %s; VMINPS %s, %s, %s; VMULPS %s, %s, %s", t, zero, t, t, one, t, t, x, x)
	}
}

// leaky is max(x, 0) + alpha·min(x, 0).
func (u *unit) leaky(s x86, e epilogue) {
	t, alpha, zero := s.v(e.free), s.v(e.free+1), s.v(e.free+2)
	s.zero(u, e.free+2)
	u.p("VBROADCASTSS %s_alpha(DI), %s", e.args, alpha)
	for i := range e.accs {
		x := s.v(i)
		u.p("VMINPS %s, %s, %s; VMAXPS %s, %s, %s", x, zero, t, x, zero, x)
		u.p("VFMADD231PS %s, %s, %s", alpha, t, x)
	}
}
