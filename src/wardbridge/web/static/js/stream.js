// One WebSocket to /live with reconnect. Used by the SharedWorker, or by a page where there is none.
// States: "open", "closed", "ended" (sign in again).

const PAUSES = [250, 500, 1000, 2000, 4000];
const ENDED = 4401;

export class Stream {
  constructor(url, { frame, state }) {
    this.url = url;
    this.frame = frame;
    this.state = state;
    this.topics = [];
    this.tries = 0;
    this.socket = null;
    this.timer = 0;
  }

  // `fresh` are topics whose whole present state is wanted again (a page has just come).
  subscribe(topics, fresh = []) {
    this.topics = topics;
    if (this.socket?.readyState === WebSocket.OPEN) this.send(fresh);
    else if (!this.socket && !this.timer) this.open();
  }

  send(fresh = []) {
    this.socket.send(JSON.stringify({ topics: this.topics, fresh }));
  }

  open() {
    this.timer = 0;
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.state("open");
      this.send();
    };
    socket.onmessage = (event) => {
      this.tries = 0;
      this.frame(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (event.code === ENDED) {
        this.state("ended");
        return;
      }
      this.state("closed");
      this.timer = setTimeout(() => this.open(), PAUSES[Math.min(this.tries++, PAUSES.length - 1)]);
    };
  }

  close() {
    clearTimeout(this.timer);
    this.timer = 0;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
