// Alarm sound by WebAudio, only after the user allowed it. Bursts of 10 (high), 3 (medium), 1 (low) pulses
// after IEC 60601-1-8; the pause between bursts is longer the lower the priority.

const PATTERNS = {
  high: { pulses: [0, 0.3, 0.6, 1.0, 1.3, 2.1, 2.4, 2.7, 3.1, 3.4], length: 0.15, every: 8, notes: [523, 659, 784, 659, 1047, 523, 659, 784, 659, 1047] },
  medium: { pulses: [0, 0.4, 0.8], length: 0.2, every: 15, notes: [523, 659, 784] },
  low: { pulses: [0], length: 0.22, every: 30, notes: [523] },
};

export class Sound {
  constructor(button) {
    this.button = button;
    this.context = null;
    this.priority = "";
    this.next = 0;
    button?.addEventListener("click", () => this.toggle());
    setInterval(() => this.look(), 250);
  }

  async toggle() {
    if (this.context) {
      await this.context.close();
      this.context = null;
    } else {
      this.context = new AudioContext();
      await this.context.resume();
      this.next = 0;
      this.beep(0, 784, 0.08, 0.12); // a short sign that sound works
    }
    const on = Boolean(this.context);
    this.button.setAttribute("aria-pressed", String(on));
    this.button.querySelector("span").textContent = on ? this.button.dataset.on : this.button.dataset.off;
  }

  set(priority) {
    if (priority !== this.priority) this.next = 0;
    this.priority = priority;
  }

  look() {
    const pattern = PATTERNS[this.priority];
    if (!this.context || !pattern || performance.now() < this.next) return;
    this.next = performance.now() + pattern.every * 1000;
    pattern.pulses.forEach((at, i) => this.beep(at, pattern.notes[i], pattern.length, 0.35));
  }

  beep(at, note, length, volume) {
    const start = this.context.currentTime + at + 0.02;
    const gain = this.context.createGain();
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(volume, start + 0.02);
    gain.gain.setValueAtTime(volume, start + length - 0.03);
    gain.gain.linearRampToValueAtTime(0, start + length);
    gain.connect(this.context.destination);
    [1, 2, 3, 4].forEach((harmonic) => {
      const tone = this.context.createOscillator();
      const level = this.context.createGain();
      level.gain.value = 1 / (harmonic * 1.6);
      tone.frequency.value = note * harmonic;
      tone.connect(level).connect(gain);
      tone.start(start);
      tone.stop(start + length + 0.02);
    });
  }
}
