// A server's calendar, a month at a time, kept up to date while it is open.

import { useEffect, useState } from 'react';
import type { CommunityServer, Schedule } from 'zzan-client';
import { useT, useWords } from '../i18n';
import { Confirm } from '../ui/Confirm';
import { Dialog } from '../ui/Dialog';
import { PencilIcon, PlusIcon } from '../ui/icons';
import { ColorField, fits, FormDialog, isName, SelectField, TextField } from './fields';
import { cssColor, useAction, useServer, useWhen } from './hooks';

/** The server's limit. */
const DESCRIPTION_MAX = 4_000;

/** When members are reminded, in seconds before the start; -1 is not at all. */
const REMINDERS = { none: -1, now: 0, minutes: 600, hour: 3_600, day: 86_400 } as const;

export function CalendarDialog({ server, onClose }: { server: CommunityServer; onClose: () => void }) {
  const { t, language } = useWords();
  const words = t.community.calendar;
  const state = useServer(server);
  const [month, setMonth] = useState(() => monthOf(new Date(), 0));
  const { schedules, error } = useSchedules(server, month);
  const [edited, setEdited] = useState<Schedule | 'new'>();
  const title = new Intl.DateTimeFormat(language, { year: 'numeric', month: 'long' }).format(month);
  const mayChange = ({ created_by }: Schedule) => (created_by.id === state.me.user.id ? server.can('schedule') : server.can('manage_schedules'));
  if (edited) return <ScheduleDialog server={server} month={month} schedule={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />;
  return (
    <Dialog title={words.title} onClose={onClose} testId="calendar" wide>
      <div className="month-bar">
        <button type="button" className="icon-button" aria-label={words.previous} onClick={() => setMonth(monthOf(month, -1))} data-testid="month-previous">‹</button>
        <strong aria-live="polite" data-testid="month">{title}</strong>
        <button type="button" className="icon-button" aria-label={words.next} onClick={() => setMonth(monthOf(month, 1))} data-testid="month-next">›</button>
      </div>
      {error && <p className="field-error" role="alert">{error}</p>}
      {schedules?.length === 0 && <p className="muted">{words.none}</p>}
      <ul className="rows" data-testid="schedules">
        {schedules?.map((schedule) => (
          <ScheduleRow key={schedule.id} schedule={schedule} onEdit={mayChange(schedule) ? () => setEdited(schedule) : undefined} />
        ))}
      </ul>
      {server.can('schedule') && <button type="button" className="button primary" onClick={() => setEdited('new')} data-testid="create-schedule"><PlusIcon />{words.create}</button>}
    </Dialog>
  );
}

function ScheduleRow({ schedule, onEdit }: { schedule: Schedule; onEdit: (() => void) | undefined }) {
  const t = useT().community.calendar;
  const when = useWhen();
  const { title, description, starts_at, ends_at, color, created_by } = schedule;
  return (
    <li className="row" data-testid="schedule">
      <span className="role-dot" style={color === undefined ? undefined : { background: cssColor(color) }} aria-hidden="true" />
      <span className="row-text">
        <strong data-testid="schedule-title">{title}</strong>
        <span className="small"><time dateTime={starts_at}>{when(starts_at)}</time>{ends_at !== undefined && <> – <time dateTime={ends_at}>{when(ends_at)}</time></>} · {t.by(created_by.name)}</span>
        {description && <span className="schedule-text" data-testid="schedule-description">{description}</span>}
      </span>
      {onEdit && <button type="button" className="icon-button" aria-label={`${t.edit}: ${title}`} title={t.edit} onClick={onEdit} data-testid="edit-schedule"><PencilIcon /></button>}
    </li>
  );
}

function ScheduleDialog({ server, month, schedule, onClose }: { server: CommunityServer; month: Date; schedule: Schedule | undefined; onClose: () => void }) {
  const t = useT().community.calendar;
  const action = useAction();
  const [title, setTitle] = useState(schedule?.title ?? '');
  const [description, setDescription] = useState(schedule?.description ?? '');
  const [starts, setStarts] = useState(() => localTime(schedule ? new Date(schedule.starts_at) : nextHour(month)));
  const [ends, setEnds] = useState(schedule?.ends_at === undefined ? '' : localTime(new Date(schedule.ends_at)));
  const [color, setColor] = useState(schedule?.color);
  const [remind, setRemind] = useState<number>(() => reminderOf(schedule));
  const [deleting, setDeleting] = useState(false);
  const choices = Object.entries(REMINDERS).map(([key, seconds]) => [seconds as number, t.remindAfter[key as keyof typeof REMINDERS]] as const);
  const save = () =>
    action.run(() => {
      const entry = {
        title: title.trim(),
        description: description.trim(),
        starts_at: new Date(starts).toISOString(),
        ...(ends ? { ends_at: new Date(ends).toISOString() } : {}),
        ...(color === undefined ? {} : { color }),
        ...(remind < 0 ? {} : { remind_before_s: remind }),
      };
      return schedule ? server.ask('schedule:update', { ...entry, id: schedule.id }) : server.ask('schedule:create', entry);
    }, onClose);
  const ready = isName(title) && fits(description, DESCRIPTION_MAX) && starts !== '' && (ends === '' || ends >= starts);
  return (
    <FormDialog
      title={schedule ? t.edit : t.create}
      submit={t.save}
      action={action}
      ready={ready}
      onSubmit={save}
      onClose={onClose}
      testId="schedule-dialog"
      extra={schedule && <button type="button" className="button ghost danger-text" onClick={() => setDeleting(true)} data-testid="delete-schedule">{t.delete}</button>}
    >
      <TextField label={t.name} value={title} onChange={setTitle} testId="schedule-title-input" autoFocus />
      <TextField label={t.description} value={description} onChange={setDescription} max={DESCRIPTION_MAX} lines={3} testId="schedule-description-input" />
      <TextField label={t.starts} value={starts} onChange={setStarts} type="datetime-local" testId="schedule-starts" />
      <TextField label={t.ends} value={ends} onChange={setEnds} type="datetime-local" testId="schedule-ends" />
      <SelectField label={t.remind} value={remind} options={choices} onChange={setRemind} testId="schedule-remind" />
      <ColorField label={t.color} none={t.noColor} value={color} onChange={setColor} testId="schedule-color" />
      {deleting && schedule && (
        <Confirm title={`${t.delete}: ${schedule.title}`} text={t.deleteText} action={t.delete} onConfirm={() => server.ask('schedule:delete', { id: schedule.id }).then(onClose)} onClose={() => setDeleting(false)} />
      )}
    </FormDialog>
  );
}

/** The entries that begin in a month, earliest first. */
function useSchedules(server: CommunityServer, month: Date): { schedules: readonly Schedule[] | undefined; error: string | undefined } {
  const action = useAction();
  const [schedules, setSchedules] = useState<readonly Schedule[]>();
  useEffect(() => {
    const [from, to] = [month, monthOf(month, 1)];
    const fits = ({ starts_at }: Schedule) => from <= new Date(starts_at) && new Date(starts_at) < to;
    let current = true;
    // What came while the list was under way may be newer than it.
    const changed = new Map<string, Schedule | undefined>();
    const withChanges = (listed: readonly Schedule[]) => {
      const now = [...listed.filter(({ id }) => !changed.has(id)), ...[...changed.values()].filter((one) => one !== undefined)];
      return now.filter(fits).sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
    };
    const change = (id: string, to: Schedule | undefined) => {
      changed.set(id, to);
      setSchedules((known) => known && withChanges(known));
    };
    const offs = [server.on('schedule', (schedule) => change(schedule.id, schedule)), server.on('unscheduled', (id) => change(id, undefined))];
    action.run(async () => {
      const { schedules: listed } = await server.ask('schedule:list', { from: from.toISOString(), to: to.toISOString() });
      if (current) setSchedules(withChanges(listed));
    });
    return () => {
      current = false;
      for (const off of offs) off();
    };
  }, [server, month]);
  return { schedules, error: action.error };
}

/** The first day of the month so many months from that of `day`, in local time. */
function monthOf(day: Date, months: number): Date {
  return new Date(day.getFullYear(), day.getMonth() + months, 1);
}

/** The next full hour, or the first noon of a month that isn't this one. */
function nextHour(month: Date): Date {
  const now = new Date();
  if (monthOf(now, 0).getTime() !== month.getTime()) return new Date(month.getFullYear(), month.getMonth(), 1, 12);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate(), now.getHours() + 1);
}

/** As a field of the browser has it. */
function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${String(time.getFullYear()).padStart(4, '0')}-${two(time.getMonth() + 1)}-${two(time.getDate())}T${two(time.getHours())}:${two(time.getMinutes())}`;
}

function reminderOf(schedule: Schedule | undefined): number {
  if (!schedule) return REMINDERS.minutes;
  if (schedule.remind_at === undefined) return REMINDERS.none;
  const before = (Date.parse(schedule.starts_at) - Date.parse(schedule.remind_at)) / 1_000;
  return Object.values(REMINDERS).find((seconds) => seconds === before) ?? REMINDERS.none;
}
