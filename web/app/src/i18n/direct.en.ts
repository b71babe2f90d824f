// The words of direct channels, in English.

export const directEn = {
  about: 'What this is about',
  subject: 'Subject',
  people: 'In this conversation',
  open: 'Open the page',
  yes: 'yes',
  no: 'no',
  /** What backends like to tell. Anything else has the name that the backend gave it. */
  facts: { state: 'State', price: 'Price', place: 'Place', time: 'Time', seller: 'Seller', buyer: 'Buyer', quantity: 'Quantity' },
  states: { on_sale: 'On sale', reserved: 'Reserved', sold: 'Sold' },
  asGuest: 'Go on as a guest',
};
