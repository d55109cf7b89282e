// Where frames come from: a camera, a window or the screen, or a video file, which stays here.

const STILL_MS = 1000; // a window in which nothing moves is offered again after so long
const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

class Source {
  // `onFrame` is called with each frame that is offered, `onEnd` when it ends by itself.
  constructor(parent, onFrame, onEnd) {
    this.video = document.createElement("video");
    Object.assign(this.video, { muted: true, playsInline: true, loop: true, tabIndex: -1 });
    this.video.className = "source";
    this.video.setAttribute("aria-hidden", "true");
    parent.append(this.video);
    this.number = 0;
    this.onFrame = onFrame;
    this.onEnd = onEnd;
  }

  async open(kind, detail) {
    if (kind === "file") {
      this.address = URL.createObjectURL(detail);
      this.video.src = this.address;
    } else {
      const media = navigator.mediaDevices;
      const camera = detail ? { ...WANTED, deviceId: { exact: detail } } : WANTED;
      this.stream =
        kind === "screen"
          ? await media.getDisplayMedia({ video: { frameRate: { ideal: 30 } }, audio: false })
          : await media.getUserMedia({ video: camera, audio: false });
      // Its visitor may have left while the browser asked.
      if (this.isClosed) return this.close();
      for (const track of this.stream.getTracks()) track.onended = () => this.onEnd();
      this.video.srcObject = this.stream;
    }
    this.count();
    this.timer = setInterval(() => this.offerAgain(), STILL_MS);
    await this.video.play();
  }

  // Count what is offered, and remember when the newest was taken.
  count() {
    const { video } = this;
    if (!video.requestVideoFrameCallback) {
      let before = -1;
      const look = () => {
        if (this.isClosed) return;
        if (video.currentTime !== before) this.offer(performance.now(), 1);
        before = video.currentTime;
        requestAnimationFrame(look);
      };
      look();
      return;
    }
    let before;
    const each = (now, { captureTime, presentedFrames }) => {
      if (this.isClosed) return;
      // It says of those as well that came while the page was too busy to be told.
      const more = before === undefined ? 1 : presentedFrames - before;
      before = presentedFrames;
      this.offer(captureTime > 0 && captureTime < now ? captureTime : now, more);
      video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
  }

  offer(taken, more) {
    this.taken = taken; // by the page's clock, ms
    this.number += more; // of the newest frame, from 1
    this.onFrame();
  }

  // What is read of a picture that stands still may change with the settings.
  offerAgain() {
    const isStill = performance.now() - this.taken > STILL_MS;
    if (isStill && !document.hidden) this.offer(performance.now(), 1);
  }

  // The camera's own id, where it is one.
  device() {
    return this.stream?.getVideoTracks()[0]?.getSettings().deviceId ?? "";
  }

  close() {
    this.isClosed = true;
    clearInterval(this.timer);
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.video.srcObject = null;
    this.video.removeAttribute("src");
    this.video.load();
    this.video.remove();
    if (this.address) URL.revokeObjectURL(this.address);
  }
}

// Why there is no camera, as the name of a sentence.
function refusal(kind, error) {
  if (kind === "file") return "not_playable";
  if (!window.isSecureContext) return "insecure";
  if (!navigator.mediaDevices?.getUserMedia) return "unsupported";
  const screen = kind === "screen";
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return screen ? "screen_refused" : "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return screen ? "no_screen" : "no_camera";
    default:
      return screen ? "no_screen" : "in_use";
  }
}
