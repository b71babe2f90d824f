// Before the call: see oneself, choose devices, say who one is. Nothing here is a condition: without camera and microphone one still gets in.

import { useState } from 'react';
import type { LocalMedia, LocalState } from 'zzan-client';
import { useDevices } from '../hooks/useDevices';
import { useMediaElement } from '../hooks/useMediaElement';
import { useLocalState } from '../hooks/useSource';
import { useT } from '../i18n';
import { navigate } from '../route';
import { Avatar } from '../ui/Avatar';
import { DeviceSelect } from '../ui/DeviceSelect';
import { ErrorBanner } from '../ui/ErrorBanner';
import { Header } from '../ui/Header';
import { CameraIcon, CameraOffIcon, LockIcon, MicIcon, MicOffIcon } from '../ui/icons';
import { LevelMeter } from '../ui/LevelMeter';
import { NameField } from '../ui/NameField';
import { PasswordField } from '../ui/PasswordField';
import { typedPassword } from './passwords';
import type { Visit, VisitState } from './visit';

export function PreJoin({ visit, state }: { visit: Visit; state: VisitState }) {
  const t = useT();
  const local = useLocalState(visit.local);
  const devices = useDevices(local);
  const [typedName, setTypedName] = useState<string>();
  const [password, setPassword] = useState(() => typedPassword(visit.roomId));
  const name = state.nameFixed ? state.name : (typedName ?? state.name);
  const { problem, listed } = state;
  const joining = state.phase === 'joining';
  const asksPassword = listed?.has_password === true || problem?.kind === 'bad_password' || problem?.kind === 'password_needed' || password !== '';
  const passwordWrong = problem?.kind === 'bad_password';
  return (
    <div className="page">
      <Header />
      <main className="prejoin" data-testid="prejoin">
        <section className="prejoin-media" aria-label={t.prejoin.camera}>
          <Preview state={local} name={name} local={visit.local} />
          {devices.length > 0 && <div className="prejoin-devices">
            <div className="prejoin-mic">
              <DeviceSelect kind="microphone" devices={devices} local={visit.local} state={local} />
              <LevelMeter track={local.microphone.track} />
            </div>
            <DeviceSelect kind="camera" devices={devices} local={visit.local} state={local} />
          </div>}
          <DeviceProblems state={local} local={visit.local} />
        </section>
        <form
          className="prejoin-form form"
          onSubmit={(event) => {
            event.preventDefault();
            void visit.join({ name: name.trim(), password });
          }}
        >
          <div className="prejoin-room">
            <h1>{listed?.name ?? t.prejoin.title}</h1>
            {listed && (
              <p className="muted prejoin-facts">
                {listed.has_password && <LockIcon />}
                {t.prejoin.seats(listed.seated, listed.capacity)} · {t.lobby.host(listed.owner_name)}
              </p>
            )}
          </div>
          {problem && !passwordWrong && (
            <ErrorBanner title={t.problem[problem.kind].title} text={t.problem[problem.kind].text}>
              {problem.kind === 'room_full' && <button type="button" className="button ghost small" onClick={() => navigate('/')}>{t.common.toLobby}</button>}
            </ErrorBanner>
          )}
          {passwordWrong && <ErrorBanner title={t.problem.bad_password.title} text={t.problem.bad_password.text} />}
          {state.nameFixed ? (
            <p className="prejoin-as"><Avatar name={name} id={name} /> {t.prejoin.joinAs(name)}</p>
          ) : (
            <NameField value={name} onChange={setTypedName} autoFocus={name === ''} />
          )}
          {asksPassword && <PasswordField key={String(passwordWrong)} label={t.common.password} hint={t.prejoin.passwordHint} value={password} onChange={setPassword} autoFocus={passwordWrong || problem?.kind === 'password_needed'} />}
          <button type="submit" className="button primary large block" disabled={joining || name.trim() === ''} data-testid="join-button">
            {joining ? t.prejoin.joining : problem?.kind === 'room_full' ? t.common.retry : t.prejoin.join}
          </button>
        </form>
      </main>
    </div>
  );
}

function Preview({ state, name, local }: { state: LocalState; name: string; local: LocalMedia }) {
  const t = useT();
  const { microphone, camera } = state;
  const video = useMediaElement<HTMLVideoElement>(camera.track);
  return (
    <div className="preview">
      <video ref={video} className="mirrored" autoPlay playsInline muted hidden={!camera.track} data-testid="preview-video" />
      {!camera.track && (
        <div className="preview-off">
          <Avatar name={name || t.common.guest} id={name} />
          <p>{camera.opening ? t.prejoin.cameraOpening : t.prejoin.cameraOff}</p>
        </div>
      )}
      <div className="preview-controls">
        <button type="button" className="round" aria-pressed={!microphone.on} aria-label={microphone.on ? t.call.muteMic : t.call.unmuteMic} title={microphone.on ? t.call.muteMic : t.call.unmuteMic} onClick={() => void local.setMicrophone(!microphone.on)} data-testid="mic-button">
          {microphone.on ? <MicIcon /> : <MicOffIcon />}
        </button>
        <button type="button" className="round" aria-pressed={!camera.on} aria-label={camera.on ? t.call.stopCam : t.call.startCam} title={camera.on ? t.call.stopCam : t.call.startCam} onClick={() => void local.setCamera(!camera.on)} data-testid="cam-button">
          {camera.on ? <CameraIcon /> : <CameraOffIcon />}
        </button>
      </div>
    </div>
  );
}

function DeviceProblems({ state, local }: { state: LocalState; local: LocalMedia }) {
  const t = useT();
  const camera = state.camera.problem;
  const microphone = state.microphone.problem;
  if (!camera && !microphone) return null;
  const both = camera === microphone && (camera === 'denied' || camera === 'missing') ? t.prejoin.both[camera] : undefined;
  const retry = async () => {
    if (microphone) await local.setMicrophone(true);
    if (camera) await local.setCamera(true);
  };
  return (
    <div className="banner warning" role="status" data-testid="device-problem">
      <div>
        {both ? <p>{both}</p> : (
          <>
            {camera && <p>{t.prejoin.problem.camera[camera]}</p>}
            {microphone && <p>{t.prejoin.problem.microphone[microphone]}</p>}
          </>
        )}
      </div>
      <div className="banner-actions">
        <button type="button" className="button ghost small" onClick={() => void retry()}>{t.common.retry}</button>
      </div>
    </div>
  );
}
