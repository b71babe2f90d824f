import { useWords } from '../i18n';
import { CloseIcon, FileIcon } from '../ui/icons';
import { sizeText } from './files';
import type { Files, PendingFile } from './useFiles';

/** The files of the message that is being written, and how far they are. */
export function FileTray({ files }: { files: Files }) {
  const { t } = useWords();
  return (
    <>
      {files.problem && <p className="field-error" role="alert" data-testid="file-problem">{files.problem}</p>}
      {files.pending.length > 0 && (
        <ul className="file-tray" aria-label={t.messages.files.list} data-testid="file-tray">
          {files.pending.map((one) => <li key={one.key}><Row one={one} files={files} /></li>)}
        </ul>
      )}
    </>
  );
}

function Row({ one: { key, file, state, share }, files }: { one: PendingFile; files: Files }) {
  const { language, t } = useWords();
  const words = t.messages.files;
  const percent = Math.round(share * 100);
  return (
    <div className={`file pending ${state}`} data-testid="pending-file" data-state={state}>
      <FileIcon />
      <span className="file-text">
        <span className="file-name" title={file.name}>{file.name}</span>
        <span className="file-facts">
          {state === 'failed' ? words.failed : state === 'uploading' ? words.uploading(percent) : sizeText(file.size, language)}
          {state === 'failed' && <button type="button" className="link-button" onClick={() => files.retry(key)} data-testid="file-retry">{words.retry}</button>}
        </span>
        {state === 'uploading' && <progress max={100} value={percent} aria-label={file.name} />}
      </span>
      <button type="button" className="icon-button tiny" aria-label={words.remove(file.name)} title={words.remove(file.name)} onClick={() => files.remove(key)} data-testid="remove-file"><CloseIcon /></button>
    </div>
  );
}
