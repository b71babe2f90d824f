#!/usr/bin/env python3
"""Plays a room by WHEP with GStreamer's webrtcbin. Usage: play.py URL TOKEN. Prints how many buffers of each kind were decoded; ends well after a hundred of each."""

import sys
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

WANTED = 100
LIMIT_S = 30

CAPS = {
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111",
    "video": "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96",
}


class Player:
    def __init__(self, url, token):
        self.url, self.token, self.counts = url, token, {"audio": 0, "video": 0}
        self.location = urllib.parse.urljoin(self.url, response.headers["Location"])
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.Pipeline.new("play")
        self.webrtc = Gst.ElementFactory.make("webrtcbin", "webrtc")
        self.webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.webrtc)
        self.webrtc.connect("pad-added", self.on_pad)
        self.webrtc.connect("on-negotiation-needed", self.on_negotiation)
        for caps in CAPS.values():
            self.webrtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))

    def on_negotiation(self, webrtc):
        webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer))

    def on_offer(self, promise):
        offer = promise.get_reply().get_value("offer")
        self.webrtc.emit("set-local-description", offer, Gst.Promise.new())
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/sdp"}
        request = urllib.request.Request(self.url, data=offer.sdp.as_text().encode(), headers=headers, method="POST")
        with urllib.request.urlopen(request) as response:
            self.location = urllib.parse.urljoin(self.url, response.headers["Location"])
            text = response.read().decode()
        _, message = GstSdp.SDPMessage.new_from_text(text)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.webrtc.emit("set-remote-description", answer, Gst.Promise.new())

    def on_pad(self, _, pad):
        decoder = Gst.ElementFactory.make("decodebin", None)
        decoder.connect("pad-added", self.on_decoded)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def on_decoded(self, _, pad):
        kind = "video" if pad.get_current_caps().get_structure(0).get_name().startswith("video") else "audio"
        sink = Gst.ElementFactory.make("fakesink", None)
        sink.set_property("signal-handoffs", True)
        sink.connect("handoff", self.on_buffer, kind)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def on_buffer(self, _sink, _buffer, _pad, kind):
        self.counts[kind] += 1
        if min(self.counts.values()) >= WANTED:
            GLib.idle_add(self.loop.quit)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add_seconds(LIMIT_S, self.loop.quit)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        print(f"decoded: {self.counts['audio']} audio, {self.counts['video']} video")
        return 0 if min(self.counts.values()) >= WANTED else 1


Gst.init(None)
sys.exit(Player(*sys.argv[1:3]).run())
