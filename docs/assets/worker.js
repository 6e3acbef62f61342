// Lets the search work from the disk, where browsers allow no workers: a hidden frame runs the
// same script instead. Both sides call each other's listeners, in order, once it is loaded.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = data => this.tell(this, data);
      this.frame = frame;
      const script = inside.document.createElement("script");
      script.onload = () => {
        this.loaded = true;
        this.waiting.splice(0).forEach(data => this.tell(inside, data));
      };
      script.src = url;
      inside.document.head.append(script);
    }

    tell(target, data) {
      const event = new MessageEvent("message", { data });
      target.dispatchEvent(event);
      if (target.onmessage) target.onmessage(event);
    }

    postMessage(data) {
      if (this.loaded) this.tell(this.frame.contentWindow, data);
      else this.waiting.push(data);
    }

    terminate() {
      this.frame.remove();
    }
  };
}
