// The notes of a voice channel for who isn't in its call.

import { useEffect, useState } from 'react';
import type { Channel, CommunityServer, Notes } from 'zzan-client';
import { useNames, useServer } from '../community/hooks';
import { useT } from '../i18n';
import { Dialog } from '../ui/Dialog';
import { NotesBody } from './NotesBody';

export function NotesDialog({ server, channel, onClose }: { server: CommunityServer; channel: Channel; onClose: () => void }) {
  const t = useT().notes;
  const nameOf = useNames(useServer(server));
  const [notes, setNotes] = useState<Notes>();
  useEffect(() => {
    const opened = server.notes(channel.id);
    setNotes(opened);
    return () => opened.close();
  }, [server, channel.id]);
  return (
    <Dialog title={`${t.title} · ${channel.name}`} onClose={onClose} testId="notes-dialog" wide>
      {notes && <NotesBody notes={notes} mayStart={server.can('note')} nameOf={nameOf} />}
    </Dialog>
  );
}
