// Which panel is open beside the messages of a server: its search results, or what is pinned in the open channel. There is place for one.

import { useState } from 'react';
import type { Message } from 'zzan-client';
import { showMessage } from '../chat/target';
import { isCovering } from '../ui/Panel';
import type { Query } from './Search';

interface SidePanel {
  readonly pinsOpen: boolean;
  showPins: (open: boolean) => void;
  /** Whether the field of the search is there on narrow screens too. */
  readonly searchOpen: boolean;
  setSearchOpen: (open: boolean) => void;
  readonly query: Query | undefined;
  search: (query: Query | undefined) => void;
  closeSearch: () => void;
  /** Goes to a message that was found, in whichever channel. */
  openFound: (message: Message) => void;
}

export function useSidePanel(channel: string | undefined, go: (channel: string) => void): SidePanel {
  const [pinsOpen, setPinsOpen] = useState(false);
  const [searchOpen, setSearchOpen] = useState(false);
  const [query, setQuery] = useState<Query>();
  const closeSearch = () => {
    setQuery(undefined);
    setSearchOpen(false);
  };
  return {
    pinsOpen,
    showPins: (open) => {
      setPinsOpen(open);
      setQuery(undefined);
    },
    searchOpen,
    setSearchOpen,
    query,
    search: (wanted) => {
      setQuery(wanted);
      setPinsOpen(false);
    },
    closeSearch,
    openFound: (message) => {
      if (isCovering()) closeSearch();
      showMessage(message.channel, message.seq);
      if (message.channel !== channel) go(message.channel);
    },
  };
}
