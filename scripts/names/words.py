"""Our own word lists: names that Faker lacks, real organisations, capitalised words that name nobody."""

GIVEN_BY_REGION = {
    "arabic": "Ahmed Mohammed Mohamed Muhammad Omar Ali Hassan Hussein Khalid Khaled Youssef Yusuf Ibrahim Tariq Faisal Samir Nabil Karim Rashid "
    "Hamza Bilal Zayd Anas Mahmoud Mustafa Salman Sultan Nasser Walid Ziad Rami Fadi Jamal Aisha Fatima Maryam Layla Leila Noor Nour Huda Amina "
    "Khadija Zainab Salma Yasmin Rania Hala Dina Mona Samira Nadia Lina Reem Amal Hanan Iman Sana Farah Dalia Abdullah Abdulrahman Abdelaziz",
    "chinese": "Wei Fang Jing Min Lei Yan Hui Ming Hao Xin Yu Jun Ling Xiaoming Jianguo Meiling Zhiyuan Haoran Yichen Zihan Jiayi Xinyi Yutong "
    "Guowei Weiming Lihua Xiaohong Chunhua Qiang Peng Tao Bo Chao Dong Feng Gang Kai Long Ping Rui Shan Ting Wen Xia Xue Ying Zhen",
    "japanese": "Haruto Yuto Sota Yuki Hayato Ren Kenji Takashi Hiroshi Satoshi Akira Daisuke Kazuo Makoto Naoki Ryo Shinji Taro Yoshio Sakura Yui "
    "Aoi Hina Rin Mei Akiko Emi Haruka Keiko Kumiko Mariko Naomi Noriko Sachiko Tomoko Yoko Yumi Hideki Koji Osamu Shigeru Masaru Tetsuo",
    "korean": "Minjun Seojun Dohyun Jiho Junseo Hyunwoo Jihoon Sungho Youngho Taehyung Jungkook Minho Jisoo Seoyeon Minseo Jiwoo Haeun Soyeon Yuna "
    "Eunji Hyejin Mirae Sora Ji-woo Min-jun Seo-yeon Hyun-woo Ji-hoon Soo-jin Eun-ji Kyung-soo Dong-hyun Sang-woo Young-jae Jae-won",
    "indian": "Aarav Vivaan Aditya Arjun Rohan Rahul Vikram Sanjay Rajesh Suresh Ramesh Mahesh Anil Sunil Deepak Amit Ankit Nikhil Karthik Ganesh "
    "Harish Manoj Pradeep Ravi Venkat Srinivas Priya Ananya Divya Kavya Lakshmi Meera Neha Pooja Radha Shreya Sneha Sunita Swati Anjali Deepika "
    "Isha Kiran Lata Nandini Padma Rekha Savita Uma Vidya Harpreet Gurpreet Manpreet Simran Jaspreet Imran Farhan Ayesha",
    "west_african": "Chinedu Emeka Ifeanyi Obinna Chukwuma Nnamdi Ngozi Chidinma Adaeze Ifeoma Uchenna Nkechi Oluwaseun Olumide Babatunde Ayodele "
    "Folake Funmilayo Yetunde Temitope Adebayo Kehinde Taiwo Aminu Sani Musa Abubakar Hauwa Zainab Kwame Kofi Kojo Yaw Kwabena Ama Akosua Abena "
    "Efua Adwoa Esi Nana Mamadou Amadou Ousmane Fatou Aminata Awa Ibrahima Cheikh Modou Seydou Moussa Mariama Aissatou Sekou Bakary",
    "east_african": "Wanjiru Njeri Wambui Nyambura Achieng Akinyi Atieno Otieno Kamau Mwangi Kipchoge Kiprono Chebet Jepkosgei Juma Baraka Neema "
    "Zawadi Amani Hamisi Rehema Asha Salim Abebe Tesfaye Haile Tigist Almaz Bekele Mekdes Selam Dawit Yohannes Getachew Mulugeta Kebede "
    "Uwimana Mugisha Habimana Ingabire Mukamana Tendai Tafadzwa Chipo Rudo Farai Tatenda Nyasha Thabo Sipho Themba Lerato Naledi Nomvula Zanele",
    "persian": "Reza Hossein Mehdi Amir Dariush Kourosh Behrouz Farhad Shahram Siavash Babak Kaveh Ardeshir Parisa Shirin Nasrin Mahsa Niloufar Azadeh "
    "Golnaz Soraya Laleh Mina Roya Setareh Zahra Maryam Farzaneh Bahareh Kamran Nima Arash Omid Peyman Ramin Soroush",
    "thai": "Somchai Somsak Prasert Niran Anong Malee Suda Ratana Kanya Siriporn Thanawat Nattapong Chai Arthit Kamon Pim Ploy Wichai Surasak Apinya",
    "hebrew": "Avi Moshe Yossi Eitan Noam Itai Yael Tamar Shira Noa Avraham Yitzhak Shlomo Chaim Rivka Dvora Tzipi Ehud Amos Uri Gal Omer Hila Orly",
    "turkic": "Mehmet Mustafa Ayşe Fatma Emine Hatice Zeynep Elif Murat Kemal Ömer Yusuf Burak Serkan Gülsen Selin Defne Nursultan Aigerim Askar",
    "pacific": "Tane Wiremu Hemi Aroha Mere Hine Sione Tevita Mele Salote Leilani Keanu Kalani Malia Nalani Tui Afa Lupe Ioane Talia",
    "classic": "Alexander Napoleon Ludwig Wolfgang Leonardo Galileo Nicolaus Johannes Immanuel Friedrich Wilhelm Otto Karl Heinrich Gottfried Leopold "
    "Franz Giuseppe Giacomo Antonio Claude Édouard Auguste Honoré Émile Gustave Jean-Paul Simone Voltaire Montesquieu Tchaikovsky Benjamin Abraham "
    "Ulysses Theodore Woodrow Winston Clement Neville Horatio Isambard Ada Charlotte Jane Virginia Agatha Arthur Oscar Rudyard Percy Lord",
}
SURNAME_BY_REGION = {
    "arabic": "Al-Rashid Al-Farsi Al-Hassan Al-Sayed El-Masri El-Amin Haddad Khoury Mansour Nasser Saleh Aziz Hamdan Khalil Darwish Qasim Rahman "
    "Shaheen Sabbagh Taha Zaki Bakr Fayed Ghanem Hakim Ismail Jaber Kassem Najjar Othman Qureshi Rizk Suleiman Younis al-Maliki bin-Laden Ibn-Saud",
    "chinese": "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang Xie Tang Xu Deng Feng Cao Peng Zeng "
    "Xiao Tian Dong Pan Yuan Cai Jiang Yu Du Ye Cheng Wei Su Lu Ding Ren Shen Yao Chan Cheung Wong Leung Lau Ng Kwok Tsai Hsu Chiang Ouyang",
    "japanese": "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Yamaguchi Matsumoto Inoue Kimura "
    "Hayashi Shimizu Yamazaki Mori Abe Ikeda Hashimoto Ishikawa Ogawa Goto Okada Hasegawa Murakami Kondo Fujita Miyazaki Kurosawa Kawabata Mishima",
    "korean": "Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Han Oh Seo Shin Kwon Hwang Ahn Song Yoo Hong Jeon Ko Moon Son Yang Bae Baek Heo Nam",
    "indian": "Sharma Verma Gupta Singh Kumar Patel Shah Mehta Reddy Rao Nair Menon Iyer Iyengar Pillai Chatterjee Banerjee Mukherjee Das Ghosh Bose "
    "Sen Dutta Joshi Kulkarni Deshpande Patil Desai Kapoor Khanna Malhotra Chopra Bhatia Arora Sethi Agarwal Jain Mishra Pandey Tiwari Trivedi "
    "Yadav Chauhan Rathore Naidu Krishnan Subramanian Venkatesan Gill Dhillon Sandhu Khan Ansari Siddiqui Hussain",
    "west_african": "Okafor Okonkwo Eze Nwosu Obi Okoye Chukwu Nwachukwu Adeyemi Adeleke Ogunleye Balogun Afolabi Akande Bello Abubakar Danjuma "
    "Mohammed Yakubu Lawal Mensah Owusu Boateng Asante Osei Appiah Agyeman Amoah Addo Quaye Ofori Diallo Traoré Keita Coulibaly Touré Diop Ndiaye "
    "Sow Fall Ba Sarr Gueye Koné Ouattara Camara Sylla Cissé Sissoko Bangura Kamara Conteh Sesay Achebe Soyinka Adichie",
    "east_african": "Ochieng Odhiambo Kimani Njoroge Kariuki Mutua Musyoka Kiptoo Cheruiyot Kosgei Rono Hassan Abdi Warsame Farah Mohamud Tesfaye "
    "Bekele Gebremariam Woldemichael Tadesse Alemu Haile Nkurunziza Ndayishimiye Kagame Bizimana Moyo Ncube Sibanda Dube Ndlovu Dlamini Nkosi "
    "Khumalo Mokoena Molefe Mahlangu Banda Phiri Mwale Zulu Tembo Mbeki Mwansa Chanda Mutasa Chikwanda Nyerere Museveni",
    "persian": "Hosseini Ahmadi Mohammadi Karimi Rezaei Moradi Jafari Rahimi Sadeghi Ebrahimi Tehrani Shirazi Esfahani Farahani Pahlavi Khatami Ghorbani",
    "thai": "Saetang Srisuk Wongsawat Chaiyaporn Rattanakul Suwannarat Thongchai Boonmee Charoensuk Phanthong Sukhumvit Jaidee Kittisak",
    "hebrew": "Cohen Levi Mizrahi Peretz Biton Friedman Katz Ben-David Azoulay Goldberg Shapiro Rosenberg Barak Dayan Peres Sharon Rabin Weizmann",
    "turkic": "Yılmaz Kaya Demir Şahin Çelik Yıldız Öztürk Aydın Arslan Doğan Nazarbayev Karimov Aliyev Mammadov Atatürk Erdem Koç Polat",
    "pacific": "Tuivasa Fonoti Tupou Faleolo Tamatea Ngata Kahananui Kealoha Kamaka Taufa Leota Fale Lomu Ranginui Parata Tuilagi Kapaakea",
    "classic": "Newton Darwin Einstein Beethoven Mozart Bach Wagner Verdi Puccini Goethe Schiller Kant Hegel Nietzsche Freud Dickens Austen Shakespeare "
    "Milton Byron Shelley Keats Wordsworth Tennyson Hardy Conrad Joyce Yeats Wilde Shaw Twain Whitman Emerson Thoreau Melville Poe Hawthorne "
    "Lincoln Washington Jefferson Adams Madison Jackson Grant Roosevelt Wilson Churchill Disraeli Gladstone Nelson Wellington Cromwell",
}
PLACE_LIKE = (
    "Paris|London|Chase|Austin|Jordan|Virginia|Georgia|Carolina|Madison|Brooklyn|Dakota|Savannah|Florence|Sydney|Houston|Washington|Lincoln|Israel|Dallas|"
    "Phoenix|Chelsea|Kent|Devon|Victoria|Charlotte|Adelaide|Milan|Vienna|Sienna|Verona|Cairo|Troy|Memphis|Asia|India|China|Kenya|Ireland|Holland|Berlin|"
    "Trenton|Camden|Preston|Lancaster|York|Chester|Clinton|Jackson|Francisco|Santiago|Diego|Salvador|Lourdes|Ford|Mercedes|Porsche|Wells|Morgan|Lloyd|"
    "Rose|Grace|Hope|Faith|Joy|Summer|Autumn|Dawn|Ruby|Amber|Pearl|Jade|Daisy|Lily|Ivy|Violet|Olive|Hazel|Heather|Iris|Will|Mark|Bill|Rob|Grant|Frank|"
    "Jack|Art|Rich|Drew|Pat|Sue|Gene|Dean|Miles|Max|Ray|Guy|Hunter|Mason|Carter|Cooper|Taylor|Parker|Tyler|Bishop|King|Prince|Duke|Earl|Baker|Page"
).split("|")
"""Given names and surnames that are something else as well."""
PARTIES = (
    "Borrower|Lender|Licensor|Licensee|Seller|Buyer|Tenant|Landlord|Contractor|Guarantor|Trustee|Employer|Employee|Supplier|Client|Customer|Agent|"
    "Policyholder|Insurer|Claimant|Plaintiff|Defendant|Vendor|Purchaser|Lessee|Lessor|Company|Investor|Shareholder|Provider|Recipient|Cooperative|Bank"
).split("|")
MEDICAL = (
    "Cardiology|Neurology|Ophthalmology|Pediatrics|Dermatology|Endocrinology|Psychiatry|Pulmonology|Oncology|Nephrology|Urology|Radiology|Internal Medicine|"
    "Emergency Department|Physical Therapy|Metformin|Lisinopril|Atorvastatin|Amoxicillin|Ibuprofen|Gabapentin|Omeprazole|Prozac|Xanax|Tylenol|Hypertension|"
    "Type 2 Diabetes|Asthma|Gastroesophageal Reflux Disease|Deep Vein Thrombosis|Migraine|Hemoglobin|Urinalysis|Cholesterol|Glucose|Escherichia coli|Biosafety"
).split("|")
MONEY_WORDS = "Bitcoin|Ethereum|Litecoin|Dogecoin|Solana|IBAN|SWIFT|BIC|NEFT|UPI|SEPA|ACH|APR|ETF|Nasdaq|Dow Jones|S&P 500|FTSE|Euro|Dollar|Rupee|PAN|SSN|MRN|NPI|DOB|Qty|P.S.".split(
    "|"
)
LOWER_PARTICLES = (
    "van|van der|van den|von|von der|de|de la|de los|del|della|di|da|dos|du|le|la|ter|zu|bin|al|el|ten|af|ap|y".split(
        "|"
    )
)
NICKNAMES = "Buddy Ace Doc Lefty Red Skip Slim Spike Tex Butch Chip Sonny Duke Rocky Flash Bear Hawk Tiny Babe Magic Pops Blue Dusty Bones".split()

TITLES = "Mr.|Mrs.|Ms.|Miss|Mr|Mrs|Ms|Dr.|Dr|Prof.|Professor|Sir|Dame|Lady|Lord|Rev.|Father|Sister|Captain|Capt.|Lt.|Sgt.|Colonel|General|Major".split(
    "|"
)
ROLES = (
    "President|Prime Minister|Senator|Governor|Mayor|Chancellor|Minister|Judge|Justice|King|Queen|Prince|Princess|Emperor|Pope|Bishop|"
    "Archbishop|Cardinal|Saint|Admiral|Commander|Sergeant|Private|Detective|Inspector|Officer|Nurse|Coach|Congressman|Representative|Ambassador|"
    "Secretary of State|Chief Justice|Foreign Minister|Duke|Count|Baron|Rabbi|Imam|Sheikh|Captain|Doctor|Engineer|Chef|Agent|Attorney General"
).split("|")
JOBS = (
    "actor|actress|singer|songwriter|composer|painter|poet|novelist|journalist|politician|lawyer|physicist|chemist|mathematician|engineer|"
    "footballer|cricketer|boxer|cyclist|swimmer|tennis player|basketball player|ice hockey player|rugby player|baseball pitcher|film director|producer|"
    "screenwriter|guitarist|drummer|bassist|pianist|violinist|rapper|photographer|architect|sculptor|philosopher|historian|economist|diplomat|"
    "general|admiral|businessman|businesswoman|entrepreneur|philanthropist|activist|missionary|priest|bishop|botanist|zoologist|geologist|"
    "astronomer|physician|surgeon|nurse|teacher|professor|comedian|model|dancer|choreographer|chess player|golfer|jockey|racing driver|wrestler"
).split("|")
NATIONS = (
    "American|British|English|Scottish|Welsh|Irish|French|German|Italian|Spanish|Portuguese|Dutch|Belgian|Swiss|Austrian|Swedish|Norwegian|Danish|"
    "Finnish|Polish|Czech|Hungarian|Romanian|Bulgarian|Greek|Turkish|Russian|Ukrainian|Serbian|Croatian|Israeli|Egyptian|Nigerian|Ghanaian|"
    "Kenyan|Ethiopian|South African|Indian|Pakistani|Bangladeshi|Chinese|Japanese|Korean|Vietnamese|Thai|Indonesian|Filipino|Australian|"
    "New Zealand|Canadian|Mexican|Brazilian|Argentine|Chilean|Colombian|Peruvian|Cuban|Jamaican|Jewish|Catholic|Muslim|Arab|Roman|Byzantine|Ottoman|Soviet"
).split("|")
BRANDS = (
    "Google|Microsoft|Apple|Amazon|Facebook|Meta|Twitter|IBM|Intel|AMD|Nvidia|Oracle|SAP|Siemens|Bosch|Toyota|Honda|Ford|General Motors|Volkswagen|BMW|"
    "Boeing|Airbus|Lockheed Martin|NASA|ESA|FBI|CIA|NATO|UN|UNESCO|WHO|EU|IMF|World Bank|OPEC|FIFA|UEFA|NFL|NBA|MLB|NHL|BBC|CNN|NBC|CBS|ABC|HBO|"
    "Sony|Samsung|Nintendo|Sega|Panasonic|Disney|Warner Bros.|Universal|Paramount|Columbia Records|EMI|Atlantic Records|Netflix|Spotify|YouTube|"
    "Walmart|Tesco|Ikea|Starbucks|McDonald's|Coca-Cola|Pepsi|Nestlé|Unilever|Procter & Gamble|Johnson & Johnson|Pfizer|Novartis|Roche|Bayer|"
    "Goldman Sachs|JPMorgan Chase|Citibank|Barclays|HSBC|Deutsche Bank|Lloyds|Reuters|Bloomberg|The New York Times|The Guardian|The Washington Post|"
    "Harvard University|Yale|Oxford University|Cambridge|MIT|Stanford|Princeton University|Columbia University|Parliament|Congress|the Senate|"
    "the House of Commons|the Supreme Court|the Labour Party|the Conservative Party|the Democratic Party|the Republican Party|the Communist Party|"
    "the Red Cross|Greenpeace|Amnesty International|Manchester United|Arsenal|Chelsea|Liverpool|Real Madrid|Barcelona|Juventus|Bayern Munich|"
    "the New York Yankees|the Boston Red Sox|the Los Angeles Lakers|the Chicago Bulls|the Dallas Cowboys|the Green Bay Packers|Toronto Maple Leafs|"
    "Metallica|The Beatles|Pink Floyd|Led Zeppelin|Radiohead|Coldplay|Nirvana|Oasis|ABBA|Queen|U2|AC/DC|Uber|Lyft|Airbnb|PayPal|Visa|Mastercard|"
    "DHL|FedEx|UPS|Verizon|AT&T|Vodafone|T-Mobile|Comcast|GitHub|GitLab|Slack|Zoom|Salesforce|Cisco|Dell|HP|Lenovo|Adobe|Red Hat|Shell|BP|Exxon|Gazprom|"
    "HR|IRS|FDA|EPA|NHS|the Royal Navy|the Royal Air Force|the Red Army|the Luftwaffe|the US Army|the Marine Corps|SpaceX|Tesla|OpenAI|Wells Fargo|JP Morgan Chase|Morgan Stanley|Charles Schwab|Johnson Controls|John Deere|Ernst & Young|Merrill Lynch|Lehman Brothers|Kotak Mahindra Bank|State Bank of India|Deutsche Welle|Deutsche Telekom|Mass General Brigham|Mayo Clinic|Johns Hopkins University|Penguin|HarperCollins|Faber and Faber|Ajax|Federal Reserve|Medicare|Social Security Administration|Internal Revenue Service|Walt Disney|Ralph Lauren|Calvin Klein|Louis Vuitton|Harley-Davidson|Marks & Spencer|Ben & Jerry's|Instagram|WhatsApp|LinkedIn"
).split("|")
ORG_CORE = (
    "Global|Northern|Pacific|Atlantic|Summit|Blue Ridge|Evergreen|Pioneer|Silver Lake|Golden Gate|Redwood|Horizon|Vertex|Apex|Quantum|Nimbus|Stellar|"
    "Cobalt|Lighthouse|Riverside|Oakwood|Maple|Cedar|Granite|Harbor|Keystone|Liberty|Meridian|Orion|Phoenix|Titan|Unity|Vanguard|Zenith|Crescent|"
    "Delta|Echo|Falcon|Helix|Iron|Juniper|Lunar|Monarch|Nova|Olympus|Prism|Sapphire|Trident|Umbra|Vista|Willow|Acme|Bright|Clear|Green|Fast|Data|"
    "Cloud|Cyber|Bio|Med|Agro|Solar|Hydro|Aero|Geo|Nano|Info|Net|Soft|Tech|Inter|Trans|Euro|Ameri|Omni|Uni|Pan|Alpha|Beta|Sigma|First National|United"
).split("|")
REGIONS = (
    "Bavaria|Saxony|Catalonia|Andalusia|Tuscany|Lombardy|Sicily|Sardinia|Corsica|Brittany|Normandy|Provence|Flanders|Wallonia|Silesia|Galicia|Bohemia|"
    "Moravia|Transylvania|Crimea|Siberia|Kashmir|Punjab|Bengal|Kerala|Gujarat|Tamil Nadu|Maharashtra|Sichuan|Guangdong|Tibet|Manchuria|Hokkaido|Kyushu|"
    "Okinawa|Ontario|Quebec|Alberta|British Columbia|Nova Scotia|Manitoba|New South Wales|Victoria|Queensland|Tasmania|Yorkshire|Kent|Cornwall|Devon|"
    "Essex|Surrey|Sussex|Norfolk|Suffolk|Lancashire|Cumbria|Dorset|Somerset|County Cork|County Kerry|Ulster|Munster|Connacht|Leinster|the Midwest|"
    "New England|the Caribbean|Scandinavia|the Balkans|the Middle East|Central Asia|East Africa|the Sahara|the Alps|the Pyrenees|the Himalayas|the Andes|"
    "the Rocky Mountains|the Mediterranean|the Baltic Sea|the North Sea|the Black Sea|the Pacific Ocean|the Atlantic|the Gulf of Mexico|the Danube|"
    "the Rhine|the Thames|the Nile|the Amazon|the Mississippi River|Lake Victoria|Lake Michigan|Mount Everest|Mount Kilimanjaro|Long Island|Manhattan|"
    "Brooklyn|Queens|Soho|Westminster|Camden|Hollywood|Silicon Valley|Wall Street|Broadway|Central Park|Hyde Park|Heathrow|Wembley Stadium|Anfield"
).split("|")
NOUNS = (
    "river|bridge|garden|castle|mountain|valley|forest|harbour|island|market|museum|library|tower|road|station|school|church|temple|factory|mill|mine|"
    "summer|winter|night|morning|dream|shadow|light|fire|water|stone|iron|silver|gold|heart|soul|memory|silence|thunder|storm|wind|rain|snow|star|moon|"
    "sun|sky|ocean|wolf|bear|lion|eagle|horse|dragon|rose|lily|crown|sword|throne|kingdom|empire|war|peace|love|death|life|time|world|house|door|window|"
    "king|queen|soldier|stranger|widow|orphan|thief|hunter|dancer|singer|ghost|machine|engine|mirror|letter|song|story|game|journey|road|train|ship"
).split("|")
ADJECTIVES = (
    "old|new|great|little|dark|bright|silent|broken|golden|silver|red|blue|black|white|green|wild|cold|burning|frozen|lost|hidden|secret|final|first|last|"
    "second|long|short|deep|high|royal|sacred|ancient|modern|eternal|endless|sweet|bitter|perfect|strange|beautiful|dangerous|distant|empty|electric"
).split("|")
PRODUCTS = (
    "iPhone|iPad|MacBook Pro|Windows|Windows XP|Linux|Ubuntu|Android|Excel|Word|PowerPoint|Outlook|Photoshop|Kubernetes|Docker|Envoy|Istio|Terraform|Ansible|"
    "Jenkins|PostgreSQL|MySQL|MongoDB|Redis|Kafka|Spark|Hadoop|Python|Java|JavaScript|TypeScript|Rust|Go|Ruby|Ruby on Rails|Swift|Kotlin|Scala|Perl|"
    "Haskell|React|Angular|Vue|Django|Flask|Spring Boot|Node.js|Grafana|Prometheus|Jira|Confluence|Trello|Notion|Chrome|Firefox|Safari|PlayStation|Xbox|"
    "Nintendo Switch|Kindle|Echo Dot|Alexa|Siri|Cortana|Tesla Model S|Ford Mustang|Toyota Corolla|Boeing 747|Airbus A320|Galaxy S21|ThinkPad|GTX 1080|"
    "Raspberry Pi|Arduino|Bluetooth|Wi-Fi|USB|HDMI|Ethernet|AES|RSA|TCP|HTTP|JSON|YAML|Bash|Vim|Emacs|Visual Studio Code|IntelliJ|Maven|Gradle|Cassandra|"
    "Julia|Ada|Pascal|Jasper|Claude|Gemini|Llama|Mistral|Bard|Bert|Elmo|Watson|Einstein|Ruby|Pearl|Lisp|Erlang|Elixir|Flink|Airflow|Snowflake|Tableau|Lightning"
).split("|")
EVENTS = (
    "World War II|World War I|the Civil War|the Cold War|the Vietnam War|the French Revolution|the Industrial Revolution|the Renaissance|the Middle Ages|"
    "the Great Depression|the Olympics|the 1984 Summer Olympics|the World Cup|the Super Bowl|the Grammy Awards|the Academy Awards|the Nobel Prize|"
    "the Pulitzer Prize|the Tony Award|the Booker Prize|the Stanley Cup|the Champions League|Wimbledon|the Tour de France|the Grand Prix|Christmas|Easter|"
    "Thanksgiving|Ramadan|Diwali|Halloween|New Year's Eve|Black Friday|Independence Day|the Reformation|the Enlightenment|the Boer War|the Crimean War|"
    "the Crusades|the Holocaust|the Napoleonic Wars|the Treaty of Versailles|the Magna Carta|the Constitution|the Bible|the Quran|the Torah|Yom Kippur|Hanukkah|Eid|Passover|Valentine's Day|Mother's Day|the Iliad|the Odyssey|Don Quixote|Moby Dick|Jane Eyre|Harry Potter|Star Wars|Star Trek|Game of Thrones|Abbey Road|The Lion King|Hamlet|Macbeth"
).split("|")
TERMS = (
    "General Terms|Privacy Policy|Table of Contents|Getting Started|Release Notes|Known Issues|Next Steps|Executive Summary|Key Findings|Action Items|"
    "Meeting Minutes|Project Plan|User Guide|Quick Start|Frequently Asked Questions|Contact Us|About Us|Log In|Sign Up|Forgot Password|Save Changes|"
    "Delete Account|Add to Cart|Check Out|Order Summary|Shipping Address|Billing Address|Payment Method|Credit Card|Gift Card|Terms of Service|"
    "Customer Service|Human Resources|Quality Assurance|Supply Chain|Business Intelligence|Machine Learning|Deep Learning|Artificial Intelligence|"
    "Natural Language Processing|Large Language Model|Neural Network|Random Forest|Gradient Descent|Linear Regression|Support Vector Machine|"
    "Bubble Sort|Binary Search|Hash Table|Linked List|Merge Sort|Big Data|Data Science|Unit Testing|Continuous Integration|Pull Request|Code Review|"
    "Chief Executive Officer|Vice President|Project Manager|Software Engineer|Product Owner|Account Manager|Data Analyst|Help Desk|Front Desk|Board of Directors|"
    "Annual Report|Balance Sheet|Cash Flow|Net Income|Gross Margin|Due Diligence|Service Level Agreement|Statement of Work|Purchase Order|Invoice Number|"
    "Dear Customer|Dear Team|Dear Sir or Madam|Best Regards|Kind Regards|Yours Sincerely|Thank You|Happy Birthday|Merry Christmas|Good Morning|"
    "Pythagorean Theorem|Fibonacci Sequence|Euler's Formula|Newton's Method|Gaussian Elimination|Bayes' Theorem|Turing Machine|Fourier Transform|"
    "Monte Carlo|Nash Equilibrium|Occam's Razor|Murphy's Law|Moore's Law|Schrödinger Equation|Alzheimer's Disease|Parkinson's Disease|Crohn's Disease|"
    "Caesar Salad|Granny Smith Apples|Worcestershire Sauce|Monterey Jack|Black Forest Cake|Chicken Tikka Masala|Pad Thai|Christmas Pudding|"
    "Big Bang Theory|String Theory|General Relativity|Climate Change|Global Warming|Renewable Energy|Electric Vehicle|Solar Panel|Middle School|High School"
).split("|")
FOREIGN_LABELS = {
    "pl_PL": "Imię i nazwisko: {p}|Pan {p}|Pani {l}|Klient: {p}|Szanowny Panie {l},|reprezentowana przez {p}|{p}, zamieszkały w {c}|Podpis: {p}|Umowa z {p}",
    "de_DE": "Name: {p}|Herr {l}|Frau {p}|Sehr geehrte Frau {l},|Kunde: {p}|Ansprechpartner: {p}|Mein Name ist {p}|{p}, wohnhaft in {c}|gez. {p}|Vertrag mit {o}",
    "fr_FR": "Nom : {p}|Monsieur {l}|Madame {p}|Je m'appelle {p}|Client : {p}|{p}, domicilié à {c}|Signé : {p}|la société {o}|Chère {f},",
    "es_ES": "Nombre: {p}|Sr. {l}|Señora {p}|Me llamo {p}|Cliente: {p}|{p}, vecino de {c}|Firmado: {p}|la empresa {o}|Estimado {f},",
    "it_IT": "Nome: {p}|Sig. {l}|Signora {p}|Mi chiamo {p}|Cliente: {p}|{p}, residente a {c}|Firmato: {p}|la società {o}|Caro {f},",
    "nl_NL": "Naam: {p}|de heer {l}|mevrouw {p}|Ik heet {p}|Klant: {p}|{p}, wonende te {c}|Getekend: {p}|het bedrijf {o}|Beste {f},",
    "cs_CZ": "Jméno: {p}|pan {l}|paní {l}|Jmenuji se {p}|Zákazník: {p}|{p}, bytem {c}|Podpis: {p}|Vážený pane {l},",
    "da_DK": "Navn: {p}|hr. {l}|fru {p}|Jeg hedder {p}|Kunde: {p}|{p}, bosat i {c}|Underskrift: {p}|Kære {f},",
    "fil_PH": "Pangalan: {p}|Ginoong {l}|Ako si {p}|Mahal na {f},|Si {p} ay taga {c}",
    "ru_RU": "Имя: {p}|Меня зовут {p}|Клиент: {p}|господин {l}",
}
