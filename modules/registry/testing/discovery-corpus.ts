/** A definition of the corpus: its type, what it does, the fields of its data. */
export interface CorpusDefinition {
  readonly type: string
  readonly description: string
  readonly fields: readonly string[]
}

/** A question in plain words, with the types that answer it: 2 = what was asked for, 1 = helps. */
export interface CorpusQuestion {
  readonly query: string
  readonly grades: Readonly<Record<string, 1 | 2>>
}

/** 200 definitions as tenants write them: `type: description (fields)`. */
export const corpusDefinitions: readonly CorpusDefinition[] = parseDefinitions(`
translation.requested: Translates a text into another language. (text, targetLanguage)
language-detection.requested: Tells in which language a text is written. (text)
summary.requested: Shortens a long text to its main points. (text, sentences)
proofreading.requested: Corrects spelling and grammar of a draft. (text)
rewriting.requested: Puts a text into another tone, such as formal or friendly. (text, tone)
keyword-extraction.requested: Lists the most important terms of a document. (document)
sentiment.requested: Says whether a review is positive or negative. (review)
entity-recognition.requested: Marks names of people, places and companies in a text. (text)
plagiarism-check.requested: Looks for passages that were copied from other sources. (document)
readability.requested: Rates how easy a text is to understand. (text)
payment.requested: Pays an invoice from a bank account. (invoiceNumber, account, amount)
refund.requested: Gives a customer the money for an order back. (orderId, reason)
invoice.requested: Writes a bill for a customer and numbers it. (customerId, lines)
payment-reminder.requested: Reminds a customer of a bill that is overdue. (invoiceNumber)
charge-dispute.requested: Contests a card charge at the bank. (chargeId, evidence)
subscription-cancellation.requested: Ends a recurring subscription at the end of its period. (subscriptionId)
card-authorization.requested: Reserves an amount on a credit card. (cardToken, amount)
payout.requested: Transfers earnings to a seller. (sellerId, amount)
currency-conversion.requested: Converts an amount into another currency at the rate of today. (amount, from, to)
tax-calculation.requested: Computes the sales tax of a purchase. (country, lines)
order.requested: Buys articles for a customer. (customerId, articles)
order-cancellation.requested: Cancels an order that was not sent yet. (orderId)
order-status.requested: Tells how far an order is. (orderId)
basket-recommendation.requested: Suggests products that go with those in the basket. (articles)
stock-level.requested: Tells how many pieces of an article are in the warehouse. (articleId)
restock.requested: Orders new goods from the supplier when the stock is low. (articleId, pieces)
price-quote.requested: Makes an offer with prices for a list of articles. (articles, discount)
discount-code.requested: Creates a voucher for a campaign. (campaign, percent)
product-comparison.requested: Compares products by price and features. (productIds)
return-label.requested: Prints the label with which a customer sends goods back. (orderId)
shipment.requested: Sends a parcel to an address. (address, weight)
parcel-tracking.requested: Tells where a parcel is now. (trackingNumber)
delivery-slot.requested: Books a time at which a parcel is brought. (orderId, slot)
route-planning.requested: Finds the shortest tour through several stops for a driver. (stops)
customs-declaration.requested: Fills in the papers for goods that cross a border. (goods, country)
address-validation.requested: Checks that a postal address exists and completes it. (address)
warehouse-transfer.requested: Moves goods from one depot to another. (articleId, from, to)
carrier-selection.requested: Picks the cheapest carrier for a delivery. (weight, destination)
freight-quote.requested: Asks carriers what a pallet costs. (pallets, destination)
damage-claim.requested: Reports goods that were broken on the way. (shipmentId, photos)
meeting.requested: Finds a free time for all participants and invites them. (participants, duration)
meeting-cancellation.requested: Calls off a meeting and tells the participants. (meetingId)
reminder.requested: Reminds a person of something at a time. (person, text, time)
availability.requested: Lists the free hours of a person in a week. (person, week)
room-booking.requested: Reserves a conference room. (room, time)
meeting-minutes.requested: Writes the minutes of a meeting from its transcript. (transcript)
holiday-calendar.requested: Lists the public holidays of a country. (country, year)
time-zone-conversion.requested: Converts a time between cities. (time, from, to)
task-assignment.requested: Gives a task to the member of a team who has most time. (task, team)
deadline-estimate.requested: Estimates when a project will be done. (tasks)
email.requested: Sends an electronic mail. (recipient, subject, body)
newsletter.requested: Sends a mailing to all subscribers of a list. (listId, body)
inbox-triage.requested: Sorts incoming mail by urgency. (mailbox)
sms.requested: Sends a short message to a mobile phone. (phoneNumber, text)
push-notification.requested: Shows a notice on the devices of a user. (userId, text)
chat-reply.requested: Answers a message in a team chat. (channel, message)
contact-lookup.requested: Finds telephone number and mail address of a person. (name)
unsubscribe.requested: Takes a person off a mailing list. (listId, recipient)
spam-check.requested: Says whether a mail is junk. (body, sender)
voice-call.requested: Calls a phone and reads a text aloud. (phoneNumber, text)
document-conversion.requested: Turns a file into a PDF. (file)
ocr.requested: Reads the letters in a scanned page. (scan)
contract-review.requested: Looks for risky clauses in an agreement. (contract)
signature.requested: Has an agreement signed by both parties. (contract, signers)
form-filling.requested: Fills in a form with known data. (form, data)
document-search.requested: Finds files in the archive that contain a phrase. (phrase)
redaction.requested: Blackens personal data in a file before it is published. (file)
template-letter.requested: Writes a letter from a template. (template, values)
file-archiving.requested: Stores a file where it is kept for ten years. (file)
document-diff.requested: Shows what changed between two versions of a document. (before, after)
image-generation.requested: Draws a picture from a description. (description, size)
image-caption.requested: Describes what is to be seen in a photo. (photo)
background-removal.requested: Cuts the object out of a photo. (photo)
image-resizing.requested: Makes a picture smaller for the web. (photo, width)
face-blurring.requested: Makes faces in a photo unrecognizable. (photo)
logo-design.requested: Designs a logo for a brand. (brand, colours)
chart-drawing.requested: Draws a diagram of a table of numbers. (table, kind)
barcode-reading.requested: Reads the code on a package in a photo. (photo)
photo-restoration.requested: Repairs an old photograph. (photo)
thumbnail.requested: Makes a preview of a video. (video)
transcription.requested: Writes down what is said in a recording. (audio)
speech-synthesis.requested: Reads a text aloud with a voice. (text, voice)
subtitle.requested: Makes captions for a film. (video, language)
video-cutting.requested: Cuts the best scenes out of a film. (video, length)
music-generation.requested: Composes a tune for a mood. (mood, length)
noise-reduction.requested: Takes hiss and hum out of a recording. (audio)
podcast-publishing.requested: Uploads an episode to the podcast platforms. (audio, title)
speaker-identification.requested: Tells who speaks when in a recording. (audio)
video-translation.requested: Dubs a film in another language. (video, language)
audio-conversion.requested: Turns a sound file into another format. (audio, format)
weather.requested: Forecasts rain, wind and temperature for a place. (place, date)
air-quality.requested: Tells how clean the air of a city is. (city)
geocoding.requested: Finds the coordinates of an address. (address)
distance.requested: Measures the way between two places. (from, to)
traffic.requested: Tells where the roads are jammed. (region)
flood-warning.requested: Warns of high water near a place. (place)
sunrise.requested: Tells when the sun rises and sets. (place, date)
nearby-places.requested: Lists restaurants, shops and pharmacies around a place. (place, kind)
elevation.requested: Tells how high a place lies. (coordinates)
earthquake-report.requested: Lists recent earthquakes of a region. (region)
applicant-screening.requested: Compares a curriculum vitae with a job description. (cv, job)
job-posting.requested: Publishes a vacancy on job boards. (job)
interview.requested: Arranges a talk with a candidate. (candidate, time)
onboarding.requested: Prepares accounts and equipment for a new colleague. (employee, start)
offboarding.requested: Closes the accounts of a colleague who leaves. (employee, end)
leave.requested: Asks for vacation days. (employee, from, to)
sick-note.requested: Records that an employee is ill. (employee, from)
payroll.requested: Computes and pays the wages of a month. (month)
expense-claim.requested: Pays back what an employee spent on a business trip. (receipts)
performance-review.requested: Collects feedback on the work of a colleague. (employee)
ticket.requested: Opens a case at the help desk. (customer, problem)
ticket-classification.requested: Sorts a complaint by topic and urgency. (text)
escalation.requested: Hands a difficult case to a supervisor. (ticketId)
faq-answer.requested: Answers a question of a customer from the handbook. (question)
satisfaction-survey.requested: Asks a customer how content he is. (customerId)
callback.requested: Has a customer called by an agent. (customerId, time)
warranty-check.requested: Tells whether a device is still under guarantee. (serialNumber)
repair.requested: Sends a technician to mend a device. (serialNumber, address)
manual-search.requested: Finds the page of a manual that explains a function. (device, function)
account-recovery.requested: Helps a user who forgot the password. (userId)
vulnerability-scan.requested: Looks for known weaknesses in a host. (host)
password-rotation.requested: Changes a secret everywhere it is used. (secret)
access-grant.requested: Allows a person to enter a system. (person, system)
access-revocation.requested: Takes the rights of a person away. (person, system)
phishing-analysis.requested: Examines a suspicious link. (url)
malware-scan.requested: Looks for viruses in a file. (file)
log-analysis.requested: Searches logs for signs of an attack. (host, period)
certificate-renewal.requested: Renews the TLS certificate of a site. (domain)
backup.requested: Makes a copy of a database. (database)
restore.requested: Brings a database back from a copy. (database, copy)
deployment.requested: Brings a new version of a service into production. (service, version)
rollback.requested: Goes back to the last version of a service that worked. (service)
build.requested: Compiles a project and packs it. (repository, branch)
test-run.requested: Runs the tests of a project. (repository, branch)
code-review.requested: Reads a change of source code and comments on it. (pullRequest)
bug-triage.requested: Finds out which team should mend a defect. (issue)
incident.requested: Wakes whoever is on call because a service is down. (service, symptom)
scaling.requested: Adds machines to a service under load. (service, machines)
dependency-update.requested: Raises the versions of libraries. (repository)
feature-flag.requested: Switches a function on for some users. (flag, share)
sql-query.requested: Answers a question with the numbers of the data warehouse. (question)
report.requested: Makes the monthly report of key figures. (month)
forecast.requested: Predicts the sales of the next quarter. (product, quarter)
anomaly-detection.requested: Finds values of a series that are out of the ordinary. (series)
data-cleaning.requested: Removes duplicates and gaps from a table. (table)
data-import.requested: Loads a spreadsheet into the database. (file)
data-export.requested: Writes a table as a spreadsheet. (table)
customer-segmentation.requested: Groups customers by their behaviour. (period)
churn-prediction.requested: Tells which customers are about to leave. (period)
dashboard.requested: Builds a page of charts. (figures)
research.requested: Collects sources on a topic and weighs them. (topic)
web-search.requested: Searches the internet for pages. (words)
web-scraping.requested: Takes the data out of a web page. (url)
fact-check.requested: Tests whether a claim is true. (claim)
news-monitoring.requested: Watches the press for mentions of a company. (company)
patent-search.requested: Looks for inventions that are protected already. (invention)
literature-review.requested: Sums up what scientific papers say about a question. (question)
competitor-analysis.requested: Compares our offer with that of rivals. (product)
citation.requested: Formats the bibliography of a paper. (references)
trend-analysis.requested: Tells which subjects become popular. (sector)
appointment.requested: Makes a date with a doctor. (patient, specialty)
symptom-check.requested: Asks about complaints and says how urgent they are. (symptoms)
prescription.requested: Orders a repeat of a medicine. (patient, drug)
drug-interaction.requested: Tells whether two medicines go together. (drugs)
lab-result.requested: Fetches the values of a blood test. (patient)
diet-plan.requested: Plans meals for a week. (calories, allergies)
workout-plan.requested: Plans exercises for a week. (goal)
insurance-claim.requested: Hands the bill of a doctor to the health insurance. (bill)
vaccination-record.requested: Lists the vaccinations of a patient. (patient)
sleep-analysis.requested: Rates how well somebody slept. (measurements)
flight.requested: Books a seat on a plane. (from, to, date)
hotel.requested: Reserves a room for some nights. (city, nights)
train-ticket.requested: Buys a ticket for a railway journey. (from, to, date)
car-rental.requested: Hires a vehicle for some days. (city, days)
itinerary.requested: Plans the days of a journey. (places, days)
visa-check.requested: Tells whether a traveller needs a visa. (nationality, country)
flight-status.requested: Tells whether a plane is late. (flightNumber)
luggage-claim.requested: Reports a suitcase that was lost. (flightNumber)
restaurant-table.requested: Reserves a table for dinner. (restaurant, guests)
taxi.requested: Orders a cab. (from, to)
bookkeeping.requested: Enters a receipt into the accounts. (receipt)
bank-reconciliation.requested: Matches bank statements with open bills. (statement)
budget.requested: Sets how much a department may spend. (department, amount)
credit-check.requested: Rates whether a customer is able to pay. (company)
loan-offer.requested: Computes interest and instalments of a credit. (amount, years)
stock-quote.requested: Tells the price of a share. (symbol)
share-purchase.requested: Buys shares at the exchange. (symbol, pieces)
fraud-check.requested: Tells whether a transaction looks like a swindle. (transaction)
annual-statement.requested: Draws up the balance sheet of a year. (year)
audit-trail.requested: Lists who changed which booking. (period)
quiz.requested: Makes questions that test what somebody learned. (topic)
course-recommendation.requested: Suggests lessons for a skill. (skill)
essay-grading.requested: Marks the essay of a pupil. (essay)
tutoring.requested: Explains an exercise step by step. (exercise)
flashcards.requested: Makes cards for learning vocabulary. (words)
lesson-plan.requested: Plans an hour of teaching. (subject, grade)
certificate.requested: Issues a proof that a course was passed. (person, course)
study-schedule.requested: Spreads what must be learned over the weeks before an exam. (exam, topics)
pronunciation.requested: Listens to a learner and corrects how words are spoken. (audio, language)
math-solution.requested: Solves an equation and shows each step. (equation)
`)

/** 100 questions: `question = best; best | helpful; helpful`. */
export const corpusQuestions: readonly CorpusQuestion[] = parseQuestions(`
translate this letter into French = translation | video-translation
which language is this written in = language-detection | translation
give me the gist of a long article = summary | keyword-extraction
fix the typos in my draft = proofreading | rewriting
make this message sound more polite = rewriting
is this customer review good or bad = sentiment
find the people and companies mentioned in a text = entity-recognition
was this essay copied from somewhere = plagiarism-check | essay-grading
pay the invoice of our supplier = payment | invoice
give the customer his money back = refund
write a bill for the client = invoice
the bill is overdue, remind the client = payment-reminder | reminder
stop my monthly subscription = subscription-cancellation | unsubscribe
how many dollars are 50 euros = currency-conversion
how much tax is due on this purchase = tax-calculation
buy three chairs for a customer = order
cancel my order = order-cancellation
where is my order = order-status | parcel-tracking
how many pieces are left in the warehouse = stock-level
we are running out of goods, get more from the supplier = restock
create a voucher = discount-code
send a package to Berlin = shipment
track my parcel = parcel-tracking | order-status
plan the best tour for the driver = route-planning
is this postal address correct = address-validation | geocoding
papers for exporting goods across the border = customs-declaration
the goods arrived broken = damage-claim
find a slot for a meeting with the team = meeting; availability
book a conference room = room-booking
call off tomorrow's meeting = meeting-cancellation
write the minutes of the call = meeting-minutes | transcription
what time is it in Tokyo when it is noon in Paris = time-zone-conversion
when will the project be finished = deadline-estimate
send an e-mail to Anna = email
text a mobile phone = sms
is this mail junk = spam-check | phishing-analysis
what is the phone number of Mr Smith = contact-lookup
take me off the mailing list = unsubscribe
sort my incoming mail by priority = inbox-triage
turn this Word file into a PDF = document-conversion
read the text in a scan = ocr
are there dangerous clauses in this agreement = contract-review
get the contract signed = signature
hide personal data before publishing a document = redaction
what changed between these two versions of the document = document-diff
draw a picture of a cat = image-generation
what is on this photo = image-caption
make the image smaller = image-resizing
remove the background of a picture = background-removal
design a brand logo = logo-design
plot these numbers = chart-drawing | dashboard
write down what was said in the interview recording = transcription | meeting-minutes
read this text to me = speech-synthesis | voice-call
captions for my movie = subtitle | image-caption
compose a song = music-generation
remove noise from audio = noise-reduction
will it rain tomorrow = weather
how far is it from Rome to Milan = distance | route-planning
are there traffic jams = traffic
restaurants around here = nearby-places | restaurant-table
coordinates of a street address = geocoding
does this resume fit the job = applicant-screening
advertise a vacancy = job-posting
set up accounts for a new employee = onboarding
I want to go on vacation next week = leave
pay the salaries = payroll
reimburse travel expenses = expense-claim
open a support case = ticket
customer is angry, hand over to the boss = escalation
is my laptop still under warranty = warranty-check
send somebody to repair the washing machine = repair
I forgot my password = account-recovery | password-rotation
look for security holes in a server = vulnerability-scan
check a file for viruses = malware-scan
give Tom permission to use the system = access-grant
renew the certificate of our website = certificate-renewal
back up the database = backup
recover the database from the backup = restore | backup
release the new version to production = deployment
undo the last release = rollback
run the unit tests = test-run
review my pull request = code-review
the website is down, alert the engineer on duty = incident
predict next quarter's revenue = forecast
find outliers in this time series = anomaly-detection
remove duplicate rows = data-cleaning
load a spreadsheet = data-import | data-export
which clients will quit soon = churn-prediction
search the web = web-search | web-scraping
is this claim true = fact-check
what do papers say about sleep and memory = literature-review | research
see a doctor = appointment
can I take these two medicines together = drug-interaction
plan my meals = diet-plan
book a flight to Lisbon = flight
reserve a hotel room = hotel | room-booking
rent a car = car-rental
is the plane delayed = flight-status
price of an Apple share = stock-quote | share-purchase
solve this equation = math-solution | tutoring
`)

function linesOf(text: string): string[] {
  return text.trim().split('\n')
}

function parseDefinitions(text: string): CorpusDefinition[] {
  return linesOf(text).map((line) => {
    const [, type = '', description = '', fields = ''] = /^(\S+): (.*) \((.*)\)$/.exec(line) ?? []
    return { type, description, fields: fields.split(', ') }
  })
}

function parseQuestions(text: string): CorpusQuestion[] {
  return linesOf(text).map((line) => {
    const [query = '', answers = ''] = line.split(' = ')
    const [best = '', helpful = ''] = answers.split(' | ')
    const graded = (types: string, grade: 1 | 2) =>
      types.split('; ').flatMap((name) => (name === '' ? [] : [[`${name.trim()}.requested`, grade] as const]))
    return { query, grades: Object.fromEntries([...graded(best, 2), ...graded(helpful, 1)]) }
  })
}
